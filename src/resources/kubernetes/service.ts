import { text, textMap } from '../ambassador/shape.ts';
import { isMap } from '../field-types.ts';
import type { ObjectMeta } from '../resource.ts';

/** A port of a Service. */
export interface ServicePort {
  /** '' where it has none. */
  readonly name: string;
  readonly port: number;
}

/** A Service: how its ports are called, and what its pods' labels are. */
export interface Service {
  readonly kind: 'Service';
  readonly meta: ObjectMeta;
  readonly ports: readonly ServicePort[];
  readonly selector: Readonly<Record<string, string>>;
  /** Name that an ExternalName Service stands for; null for every other type. */
  readonly externalName: string | null;
  /** clusterIP: None. */
  readonly headless: boolean;
  /** spec.ipFamilies, the preferred one first; empty where the API server has not said. */
  readonly families: readonly string[];
}

/** Reads a Service. */
export function parseService(object: Readonly<Record<string, unknown>>, meta: ObjectMeta): Service {
  const spec = isMap(object.spec) ? object.spec : {};
  const ports: ServicePort[] = [];
  for (const item of Array.isArray(spec.ports) ? spec.ports : []) {
    if (isMap(item) && typeof item.port === 'number') {
      ports.push({ name: typeof item.name === 'string' ? item.name : '', port: item.port });
    }
  }
  const external = spec.type === 'ExternalName' ? text(spec.externalName) : null;
  return {
    kind: 'Service',
    meta,
    ports,
    selector: textMap(spec.selector),
    externalName: external === null ? null : external.replace(/\.$/, ''),
    headless: spec.clusterIP === 'None',
    families: Array.isArray(spec.ipFamilies) ? spec.ipFamilies.map(String) : [],
  };
}
