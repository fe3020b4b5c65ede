import { isMap } from '../field-types.ts';
import type { ObjectMeta } from '../resource.ts';
import { type EndpointAddress, type NamedPort, podName, readPorts } from './endpoint-slice.ts';

/** An Endpoints object: the older form of slices, with the name of its Service. */
export interface EndpointsObject {
  readonly kind: 'Endpoints';
  readonly meta: ObjectMeta;
  readonly subsets: readonly {
    readonly ports: readonly NamedPort[];
    readonly ready: readonly EndpointAddress[];
  }[];
}

/** Reads an Endpoints object; notReadyAddresses are left out. */
export function parseEndpoints(object: Readonly<Record<string, unknown>>, meta: ObjectMeta): EndpointsObject {
  const subsets = (Array.isArray(object.subsets) ? object.subsets : []).filter(isMap).map((subset) => {
    const ready: EndpointAddress[] = [];
    for (const item of Array.isArray(subset.addresses) ? subset.addresses : []) {
      if (isMap(item) && typeof item.ip === 'string')
        ready.push({ address: item.ip, pod: podName(item.targetRef), zones: null });
    }
    return { ports: readPorts(subset.ports), ready };
  });
  return { kind: 'Endpoints', meta, subsets };
}
