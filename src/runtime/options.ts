import type { KubernetesOptions } from '../kubernetes/source.ts';
import type { Limits } from '../proxy/limits.ts';

/** How log lines are written: JSON for machines, pretty for a terminal. */
export type LogFormat = 'json' | 'pretty';

/** Who accepts connections: the parent, which hands them to the workers in turn, or the workers, from ports that they share. */
export type AcceptMode = 'parent' | 'workers';

/** An address that is listened on or connected to. */
export interface Address {
  /** IP address or host name, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** What of a cluster is followed (--kubernetes). */
export interface ClusterOptions extends KubernetesOptions {
  /** Mappings have their status written. */
  readonly mappingStatus: boolean;
  /** Zone of this gateway, for topology hints; null = they are passed over. */
  readonly zone: string | null;
}

/** Everything that `serin run` was told, as plain data: it travels to the control process and the workers. */
export interface RunOptions {
  readonly paths: readonly string[];
  /** The cluster that is followed in place of paths; null = none. */
  readonly cluster: ClusterOptions | null;
  /** Folder in which what has been set is kept, with the admin socket; null = none. */
  readonly state: string | null;
  /** Addresses, as CIDR, that may be backends in a cluster although they are its own or the gateway's. */
  readonly allowBackends: readonly string[];
  /** Replaces the ports of all Listeners (not of TCPMappings); empty = what the manifests say, else 127.0.0.1:8080. */
  readonly listen: readonly Address[];
  /** Address on which Listeners and TCPMappings of the manifests are bound. */
  readonly bind: string;
  readonly admin: Address;
  readonly resolve: readonly { readonly service: string; readonly endpoints: readonly Address[] }[];
  readonly workers: number;
  readonly accept: AcceptMode;
  readonly ambassadorIds: readonly string[];
  readonly unguarded: boolean;
  readonly isolateNamespaces: boolean;
  /** Certificates of all upstreams are verified, not only where a TLSContext names an authority. */
  readonly verifyUpstreams: boolean;
  /** Series of metrics that keep their labels. */
  readonly maxSeries: number;
  /** File that holds the token for reading beyond health and metrics on an address that is not loopback. */
  readonly adminTokenFile: string | null;
  /** Milliseconds of accepting after the signal, already not ready. */
  readonly drainDelayMs: number;
  /** Milliseconds that running calls get to finish. */
  readonly drainTimeoutMs: number;
  readonly logFormat: LogFormat;
  /** A line for each call. */
  readonly accessLog: boolean;
  /** Values in place of the data plane's defaults. */
  readonly limits: Partial<Limits>;
  /** Milliseconds between PINGs to upstreams; 0 = none. */
  readonly upstreamKeepAliveMs: number;
  /** Long repeated headers go into the tables of upstreams. */
  readonly upstreamIndex: boolean;
  readonly version: string;
}
