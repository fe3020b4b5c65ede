import { textMap } from '../ambassador/shape.ts';
import { isMap } from '../field-types.ts';
import type { ObjectMeta } from '../resource.ts';

/** A ReplicaSet of a Deployment: it knows which revision a pod-template-hash is. */
export interface ReplicaSet {
  readonly kind: 'ReplicaSet';
  readonly meta: ObjectMeta;
  /** Annotation deployment.kubernetes.io/revision, or null. */
  readonly revision: string | null;
}

/** Reads a ReplicaSet. */
export function parseReplicaSet(object: Readonly<Record<string, unknown>>, meta: ObjectMeta): ReplicaSet {
  const metadata = isMap(object.metadata) ? object.metadata : {};
  const revision = textMap(metadata.annotations)['deployment.kubernetes.io/revision'] ?? null;
  return { kind: 'ReplicaSet', meta, revision };
}
