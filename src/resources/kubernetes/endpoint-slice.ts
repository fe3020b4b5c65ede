import { isMap } from '../field-types.ts';
import type { ObjectMeta } from '../resource.ts';

/** An address behind a Service. */
export interface EndpointAddress {
  readonly address: string;
  /** Name of the Pod, or null. */
  readonly pod: string | null;
  /** Zones whose clients had better use it (hints.forZones); null = it has no hints. */
  readonly zones: readonly string[] | null;
}

/** A numbered port with the name that a Service's port calls it by. */
export interface NamedPort {
  readonly name: string;
  readonly port: number;
}

/** An EndpointSlice: addresses, and the ports that belong to these and no other addresses. */
export interface EndpointSlice {
  readonly kind: 'EndpointSlice';
  readonly meta: ObjectMeta;
  /** Name of the Service, in the slice's namespace. */
  readonly service: string;
  readonly ports: readonly NamedPort[];
  readonly family: 'IPv4' | 'IPv6' | null;
  readonly ready: readonly EndpointAddress[];
  /** Addresses of pods that are going and still serve: used where none is ready, as kube-proxy does (KEP-1669). */
  readonly draining: readonly EndpointAddress[];
  /** All others. They get no calls; it is known of them that they are there. */
  readonly unready: readonly EndpointAddress[];
}

/**
 * Reads an EndpointSlice. A `ready` that is not set counts as true, `serving` as `ready`, `terminating` as false, as
 * the API says (discovery.k8s.io/v1 EndpointConditions); names (FQDN) are left out.
 */
export function parseEndpointSlice(
  object: Readonly<Record<string, unknown>>,
  meta: ObjectMeta,
): EndpointSlice {
  const ready: EndpointAddress[] = [];
  const draining: EndpointAddress[] = [];
  const unready: EndpointAddress[] = [];
  const { addressType } = object;
  for (const item of Array.isArray(object.endpoints) ? object.endpoints : []) {
    if (!isMap(item) || addressType === 'FQDN') continue;
    const conditions = isMap(item.conditions) ? item.conditions : {};
    // The addresses of one endpoint are the same pod: the first one stands for it.
    const address = Array.isArray(item.addresses) ? item.addresses[0] : undefined;
    if (typeof address !== 'string') continue;
    const endpoint = { address, pod: podName(item.targetRef), zones: readZones(item.hints) };
    if (conditions.ready !== false) ready.push(endpoint);
    else if (conditions.serving === true && conditions.terminating === true) draining.push(endpoint);
    else unready.push(endpoint);
  }
  return {
    kind: 'EndpointSlice',
    meta,
    service: meta.labels['kubernetes.io/service-name'] ?? '',
    ports: readPorts(object.ports),
    family: addressType === 'IPv4' || addressType === 'IPv6' ? addressType : null,
    ready,
    draining,
    unready,
  };
}

function readZones(hints: unknown): string[] | null {
  if (!isMap(hints) || !Array.isArray(hints.forZones)) return null;
  return hints.forZones.flatMap((zone) => (isMap(zone) && typeof zone.name === 'string' ? [zone.name] : []));
}

/** Name of the Pod that a reference means, or null. */
export function podName(ref: unknown): string | null {
  return isMap(ref) && (ref.kind ?? 'Pod') === 'Pod' && typeof ref.name === 'string' ? ref.name : null;
}

/** Ports with a number that a port can have (files are validated by nobody else); an unnamed one has the name ''. */
export function readPorts(value: unknown): NamedPort[] {
  const ports: NamedPort[] = [];
  for (const item of Array.isArray(value) ? value : []) {
    if (!isMap(item) || typeof item.port !== 'number' || !isPort(item.port)) continue;
    ports.push({ name: typeof item.name === 'string' ? item.name : '', port: item.port });
  }
  return ports;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}
