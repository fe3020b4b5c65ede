import type { ValuePath } from '../../lib/position.ts';
import { isMap } from '../field-types.ts';
import type { ApiVersion } from '../fields.ts';
import type { ObjectMeta } from '../resource.ts';

/** What an object gets from the Service or Ingress whose annotation it stands in. */
export interface Carrier {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An Ambassador object, whichever way it was written. */
export interface ShapedObject {
  readonly kind: string;
  readonly version: ApiVersion;
  /** Name '' where none is written. */
  readonly meta: ObjectMeta;
  /** The fields of its spec. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Where a field of the spec stands. */
  readonly pathOf: (field: string) => ValuePath;
}

const envelope = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'spec',
  'status',
  'name',
  'namespace',
  'generation',
  'metadata_labels',
]);

/**
 * Reads the two shapes of an object: with metadata and spec, or flat (name, namespace, metadata_labels and the
 * fields side by side); both may be mixed, and what is left over counts as spec. Namespace and labels come from
 * the carrier where the object has none (the whole map of labels, no merge).
 */
export function shapeObject(
  object: Readonly<Record<string, unknown>>,
  version: ApiVersion,
  carrier: Carrier | null,
): ShapedObject {
  const metadata = isMap(object.metadata) ? object.metadata : {};
  const spec = isMap(object.spec) ? object.spec : {};
  const fields: Record<string, unknown> = { ...spec };
  for (const key in object) if (!envelope.has(key)) fields[key] = object[key];
  const labels = object.metadata_labels ?? metadata.labels;
  const meta: ObjectMeta = {
    name: text(object.name) ?? text(metadata.name) ?? '',
    namespace: text(object.namespace) ?? text(metadata.namespace) ?? carrier?.namespace ?? 'default',
    labels: isMap(labels) ? textMap(labels) : (carrier?.labels ?? {}),
    created: text(metadata.creationTimestamp),
  };
  const pathOf = (field: string): ValuePath => (field in object ? [field] : ['spec', field]);
  return { kind: String(object.kind), version, meta, fields, pathOf };
}

/** A text that is not empty, or null. */
export function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A map with its values as text; what is no scalar is left out. */
export function textMap(value: unknown): Record<string, string> {
  // Without a prototype: whoever asks for the label `constructor` must not be given a function.
  const result: Record<string, string> = Object.create(null);
  if (isMap(value)) {
    for (const key in value) {
      const item = value[key];
      if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean')
        result[key] = String(item);
    }
  }
  return result;
}
