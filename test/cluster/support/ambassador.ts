/** What of a CustomResourceDefinition tests vary. */
export interface DefinitionRequest {
  readonly kind: string;
  readonly plural: string;
  /** Versions that are served; the first one is stored. */
  readonly served: readonly string[];
  /** Versions that are known and not served. */
  readonly unserved?: readonly string[];
}

/** A definition of one of Ambassador's kinds that takes every field, and has the same objects in all of its versions. */
export function ambassadorDefinition(request: DefinitionRequest): string {
  const { kind, plural, served, unserved = [] } = request;
  const schema = {
    openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  };
  const [stored] = [...served, ...unserved];
  return JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.getambassador.io` },
    spec: {
      group: 'getambassador.io',
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [...served, ...unserved].map((name) => ({
        name,
        served: served.includes(name),
        storage: name === stored,
        schema,
      })),
    },
  });
}

/** The definition of Mappings. */
export const mappingDefinition = ambassadorDefinition({
  kind: 'Mapping',
  plural: 'mappings',
  served: ['v2', 'v3alpha1'],
});

/** A Mapping as an object. */
export function mapping(
  name: string,
  spec: Readonly<Record<string, unknown>>,
  apiVersion = 'getambassador.io/v2',
): string {
  return JSON.stringify({ apiVersion, kind: 'Mapping', metadata: { name }, spec });
}
