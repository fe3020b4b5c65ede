/** An address that serves a service. */
export interface Endpoint {
  /** IP address as text, without brackets. */
  readonly address: string;
  readonly port: number;
  /** The release behind it: label `version` of every metric. */
  readonly version: string;
}

/**
 * The endpoints of one service: a second table beside the snapshot, published apart.
 * `pending`: a name that has to be looked up and was not yet asked for.
 */
export interface ServiceEndpoints {
  readonly service: string;
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
