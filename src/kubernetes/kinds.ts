import type { Raw } from './api-client.ts';

/** A kind of object that is followed. */
export interface WatchedKind {
  readonly kind: string;
  /** '' is the core group. */
  readonly group: string;
  /** Name in paths and in RBAC rules. */
  readonly resource: string;
  /** Versions that can be read, the preferred one first; an object is read in one of them. */
  readonly versions: readonly string[];
  /** True where only metadata is asked for: the rest would be most of the traffic, and nobody reads it. */
  readonly metadataOnly: boolean;
  /** True for a kind whose definition may be missing, come later, change and go. */
  readonly custom: boolean;
  /** True for what a person writes to configure the gateway: a label selector chooses among these. */
  readonly configures: boolean;
  /** Fields that are kept beside metadata and spec. */
  readonly fields: readonly string[];
  /** What is lost without it, for messages. */
  readonly without: string;
}

const base = { custom: false, configures: false, metadataOnly: false, fields: [] as readonly string[] };
const ambassador = {
  ...base,
  group: 'getambassador.io',
  versions: ['v3alpha1', 'v2', 'v1'],
  custom: true,
  configures: true,
};

/** Everything that is followed; a new kind is a row here and a parser in resources/. Secrets come one by one. */
export const watchedKinds: readonly WatchedKind[] = [
  {
    ...base,
    kind: 'Service',
    group: '',
    resource: 'services',
    versions: ['v1'],
    without: 'no Service is known: names are looked up with DNS, and annotations are not read',
  },
  {
    ...base,
    kind: 'EndpointSlice',
    group: 'discovery.k8s.io',
    resource: 'endpointslices',
    versions: ['v1'],
    fields: ['addressType', 'endpoints', 'ports'],
    without: 'no endpoint of a Service is known',
  },
  {
    ...base,
    kind: 'Pod',
    group: '',
    resource: 'pods',
    versions: ['v1'],
    metadataOnly: true,
    without: 'versions are told by Services only, not by the labels of pods',
  },
  {
    ...base,
    kind: 'ReplicaSet',
    group: 'apps',
    resource: 'replicasets',
    versions: ['v1'],
    metadataOnly: true,
    without: 'pods without a version label have their pod-template-hash for a version',
  },
  {
    ...base,
    kind: 'Ingress',
    group: 'networking.k8s.io',
    resource: 'ingresses',
    versions: ['v1'],
    configures: true,
    without: 'annotations of Ingresses are not read',
  },
  {
    ...base,
    kind: 'Canary',
    group: 'serin.dev',
    resource: 'canaries',
    versions: ['v1alpha1'],
    custom: true,
    configures: true,
    without: 'Canaries are not in force',
  },
  {
    ...ambassador,
    kind: 'Mapping',
    resource: 'mappings',
    without: 'Mappings that are objects are not served',
  },
  { ...ambassador, kind: 'TCPMapping', resource: 'tcpmappings', without: 'TCPMappings are not served' },
  { ...ambassador, kind: 'Listener', resource: 'listeners', without: 'Listeners are not read' },
  { ...ambassador, kind: 'Host', resource: 'hosts', without: 'Hosts are not read' },
  { ...ambassador, kind: 'TLSContext', resource: 'tlscontexts', without: 'TLSContexts are not read' },
  { ...ambassador, kind: 'Module', resource: 'modules', without: 'Modules are not read' },
  ...['AuthService', 'FilterPolicy'].map((kind) => ({
    ...ambassador,
    kind,
    resource: kind === 'AuthService' ? 'authservices' : 'filterpolicies',
    without: `what a ${kind} would guard is not known, and is open`,
  })),
  // Not served: each is told of.
  ...[
    'RateLimitService',
    'TracingService',
    'LogService',
    'Filter',
    'RateLimit',
    'ConsulResolver',
    'KubernetesServiceResolver',
    'KubernetesEndpointResolver',
  ].map((kind) => ({
    ...ambassador,
    kind,
    resource: `${kind.toLowerCase()}s`,
    without: `nothing: a ${kind} is not served, and only told of`,
  })),
];

/** A Secret; followed one by one. */
export const secretKind: WatchedKind = {
  ...base,
  kind: 'Secret',
  group: '',
  resource: 'secrets',
  versions: ['v1'],
  fields: ['data'],
  without: 'certificates in Secrets are not known',
};

/** Annotations that somebody reads. */
const annotations = ['getambassador.io/config', 'deployment.kubernetes.io/revision'];

/** The part of an object that is read; all else is not kept. `apiVersion` and kind are those of the list that it came in. */
export function project(object: Raw, { kind, fields, metadataOnly }: WatchedKind, apiVersion: string): Raw {
  const metadata = asMap(object.metadata);
  const written = asMap(metadata.annotations);
  const kept: Record<string, unknown> = {};
  for (const name of annotations) if (written[name] !== undefined) kept[name] = written[name];
  const { name, namespace, labels, creationTimestamp, generation } = metadata;
  const projected: Record<string, unknown> = {
    apiVersion,
    kind,
    metadata: { name, namespace, labels, annotations: kept, creationTimestamp, generation },
  };
  if (metadataOnly) {
    // Their generation changes with what nobody reads.
    projected.metadata = { name, namespace, labels, annotations: kept };
    return projected;
  }
  if (object.spec !== undefined) projected.spec = object.spec;
  for (const field of fields) projected[field] = object[field];
  // Of a status only what commands have set is read; the rest is written by the gateway itself.
  const { overlay } = asMap(object.status);
  if (overlay !== undefined && overlay !== null) projected.status = { overlay };
  return projected;
}

/** What an object is called in messages, and its key: `Service quote.default`. */
export function nameOf(kind: string, metadata: unknown): string {
  const { name, namespace } = asMap(metadata);
  return namespace === undefined ? `${kind} ${String(name)}` : `${kind} ${String(name)}.${String(namespace)}`;
}

/** The value if it is an object, else an empty one. */
export function asMap(value: unknown): Raw {
  return typeof value === 'object' && value !== null ? (value as Raw) : {};
}
