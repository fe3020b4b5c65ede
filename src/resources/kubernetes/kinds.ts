import { text, textMap } from '../ambassador/shape.ts';
import { isMap } from '../field-types.ts';
import type { Finding } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import { type EndpointSlice, parseEndpointSlice } from './endpoint-slice.ts';
import { type EndpointsObject, parseEndpoints } from './endpoints.ts';
import { type Pod, parsePod } from './pod.ts';
import { parseReplicaSet, type ReplicaSet } from './replica-set.ts';
import { parseSecret, type Secret } from './secret.ts';
import { parseService, type Service } from './service.ts';

/** Kubernetes objects that the compiler reads. */
export type KubernetesResource = Service | EndpointSlice | EndpointsObject | Pod | ReplicaSet | Secret;

type Parser = (
  object: Readonly<Record<string, unknown>>,
  meta: ObjectMeta,
) => { readonly resource: KubernetesResource; readonly findings: readonly Finding[] };

/** A kind that the API server has validated: what is not as expected is passed over. */
function validated(
  parse: (object: Readonly<Record<string, unknown>>, meta: ObjectMeta) => KubernetesResource,
): Parser {
  return (object, meta) => ({ resource: parse(object, meta), findings: [] });
}

/** Kinds by `kind`. */
export const kubernetesKinds = {
  Service: validated(parseService),
  EndpointSlice: validated(parseEndpointSlice),
  Endpoints: validated(parseEndpoints),
  Pod: validated(parsePod),
  ReplicaSet: validated(parseReplicaSet),
  Secret: parseSecret,
} as const satisfies Record<string, Parser>;

/** The API groups that the kinds above belong to. */
export const kubernetesGroups: Readonly<Record<keyof typeof kubernetesKinds, string>> = {
  Service: '',
  EndpointSlice: 'discovery.k8s.io',
  Endpoints: '',
  Pod: '',
  ReplicaSet: 'apps',
  Secret: '',
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
