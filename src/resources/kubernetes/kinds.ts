import { text, textMap } from '../ambassador/shape.ts';
import { isMap } from '../field-types.ts';
import type { ObjectMeta } from '../resource.ts';
import { type EndpointSlice, parseEndpointSlice } from './endpoint-slice.ts';
import { type EndpointsObject, parseEndpoints } from './endpoints.ts';
import { type Pod, parsePod } from './pod.ts';
import { parseReplicaSet, type ReplicaSet } from './replica-set.ts';
import { parseService, type Service } from './service.ts';

/** Kubernetes objects that the compiler reads. */
export type KubernetesResource = Service | EndpointSlice | EndpointsObject | Pod | ReplicaSet;

type Parser = (object: Readonly<Record<string, unknown>>, meta: ObjectMeta) => KubernetesResource;

/** Kinds by `kind`; the API server has validated them, so what is not as expected is passed over. */
export const kubernetesKinds = {
  Service: parseService,
  EndpointSlice: parseEndpointSlice,
  Endpoints: parseEndpoints,
  Pod: parsePod,
  ReplicaSet: parseReplicaSet,
} as const satisfies Record<string, Parser>;

/** The API groups that the kinds above belong to. */
export const kubernetesGroups: Readonly<Record<keyof typeof kubernetesKinds, string>> = {
  Service: '',
  EndpointSlice: 'discovery.k8s.io',
  Endpoints: '',
  Pod: '',
  ReplicaSet: 'apps',
};

/** Reads metadata; name '' where there is none. */
export function readMeta(object: Readonly<Record<string, unknown>>): ObjectMeta {
  const metadata = isMap(object.metadata) ? object.metadata : {};
  return {
    name: text(metadata.name) ?? '',
    namespace: text(metadata.namespace) ?? 'default',
    labels: textMap(metadata.labels),
    created: text(metadata.creationTimestamp),
  };
}
