/** An address that serves a service. */
export interface Endpoint {
  /** IP address as text, without brackets. */
  readonly address: string;
  readonly port: number;
  /** The release behind it: label `version` of every metric. */
  readonly version: string;
}

/** Those of a service's endpoints that are of one version. */
export interface VersionSubset {
  /** Label of the pods. */
  readonly label: string;
  readonly value: string;
  /**
   * Where no pod has the value: all pods but those with this one count instead (a mistake in the version of production
   * must not take it down); null = none does.
   */
  readonly elseNot: string | null;
}

/** Key of the endpoint table: the service, or a part of it. */
export function endpointsKey({
  service,
  subset,
}: {
  readonly service: string;
  readonly subset?: VersionSubset | null;
}): string {
  if (subset == null) return service;
  const { label, value, elseNot } = subset;
  return `${service} ${label}=${value}${elseNot === null ? '' : ` else!=${elseNot}`}`;
}

/**
 * The endpoints of one service, or of one version of it: a second table beside the snapshot, published apart.
 * `pending`: a name that has to be looked up and was not yet asked for.
 */
export interface ServiceEndpoints {
  /** Label `service` of every metric; with `subset` it makes the {@link endpointsKey}. */
  readonly service: string;
  /** Null or absent = all endpoints of the service. */
  readonly subset?: VersionSubset | null;
  readonly state: 'pending' | 'known' | 'failed';
  /** The name to look up while `pending`, where it is not the service's own (an ExternalName Service). */
  readonly lookup?: string;
  /** Ready endpoints only. Empty with state `known`: the service has none. */
  readonly endpoints: readonly Endpoint[];
  /** Version for calls that reach no endpoint. */
  readonly version: string;
  /** True from the first moment on in which the service had a ready endpoint. */
  readonly everReady: boolean;
  /** Why there is none: the resolver's words. */
  readonly problem: string | null;
}
