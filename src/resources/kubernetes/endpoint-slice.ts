import { isMap } from '../field-types.ts';
import type { ObjectMeta } from '../resource.ts';

/** An address behind a Service. */
export interface EndpointAddress {
  readonly address: string;
  /** Name of the Pod, or null. */
  readonly pod: string | null;
}

/** A numbered port with the name that a Service's port calls it by. */
export interface NamedPort {
  readonly name: string;
  readonly port: number;
}

/** An EndpointSlice: ready addresses, and the ports that belong to these and no other addresses. */
export interface EndpointSlice {
  readonly kind: 'EndpointSlice';
  readonly meta: ObjectMeta;
  /** Name of the Service, in the slice's namespace. */
  readonly service: string;
  readonly ports: readonly NamedPort[];
  readonly ready: readonly EndpointAddress[];
}

/** Reads an EndpointSlice. `ready` that is not set counts as true, as the API says; names (FQDN) are left out. */
export function parseEndpointSlice(
  object: Readonly<Record<string, unknown>>,
  meta: ObjectMeta,
): EndpointSlice {
  const ready: EndpointAddress[] = [];
  for (const item of Array.isArray(object.endpoints) ? object.endpoints : []) {
    if (!isMap(item) || object.addressType === 'FQDN') continue;
    const conditions = isMap(item.conditions) ? item.conditions : {};
    // The addresses of one endpoint are the same pod: the first one stands for it.
    const address = Array.isArray(item.addresses) ? item.addresses[0] : undefined;
    if (conditions.ready !== false && typeof address === 'string')
      ready.push({ address, pod: podName(item.targetRef) });
  }
  const service = meta.labels['kubernetes.io/service-name'] ?? '';
  return { kind: 'EndpointSlice', meta, service, ports: readPorts(object.ports), ready };
}

/** Name of the Pod that a reference means, or null. */
export function podName(ref: unknown): string | null {
  return isMap(ref) && (ref.kind ?? 'Pod') === 'Pod' && typeof ref.name === 'string' ? ref.name : null;
}

/** Ports with a number; an unnamed one has the name ''. */
export function readPorts(value: unknown): NamedPort[] {
  const ports: NamedPort[] = [];
  for (const item of Array.isArray(value) ? value : []) {
    if (!isMap(item) || typeof item.port !== 'number') continue;
    ports.push({ name: typeof item.name === 'string' ? item.name : '', port: item.port });
  }
  return ports;
}
