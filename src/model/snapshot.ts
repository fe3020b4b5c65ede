import type { ServiceEndpoints } from './endpoints.ts';
import { defaultHttpSettings, type HttpSettings } from './http-settings.ts';
import type { Route } from './route.ts';
import type { TcpRoute } from './tcp-route.ts';
import type { TlsContext } from './tls.ts';

/** What is done with a cleartext request on a virtual host (Ambassador's requestPolicy.insecure.action). */
export type InsecureAction = 'route' | 'redirect' | 'reject';

/** A host that is served. `hostname` is exact, a glob with one star at one end, or `*`; letter case aside. */
export interface VirtualHost {
  readonly name: string;
  readonly hostname: string;
  readonly insecureAction: InsecureAction;
}

/** An address and port that is listened on. */
export interface Listener {
  readonly name: string;
  /** IP address; null = the address given by --bind. */
  readonly address: string | null;
  readonly port: number;
  /**
   * `http`: cleartext. `https`: TLS *and* cleartext, told apart by the first bytes, as Emissary's HTTPS does; what
   * becomes of cleartext requests is the virtual host's insecureAction. `tcp`: nothing but its {@link TcpRoute}s, which
   * come first on the others, too.
   */
  readonly protocol: 'http' | 'https' | 'tcp';
  /**
   * Which requests count as secure. `secure`, `insecure`: all, none, whatever the connection is. `xfp`: those whose
   * x-forwarded-proto is https; with `trustedHops` 0 that is what the connection itself is.
   */
  readonly securityModel: 'xfp' | 'secure' | 'insecure';
  /** Proxies in front of this listener whose forwarding headers are believed (l7Depth, else xff_num_trusted_hops). */
  readonly trustedHops: number;
  /** True if each connection has to begin with a PROXY protocol header, before TLS. */
  readonly proxyProtocol: boolean;
  /** Names of the virtual hosts that are reached through it; null = all. */
  readonly virtualHosts: readonly string[] | null;
}

/** One compiled model. Immutable: a change makes another. */
export interface Snapshot {
  /** Running number. */
  readonly revision: number;
  readonly listeners: readonly Listener[];
  readonly virtualHosts: readonly VirtualHost[];
  readonly routes: ReadonlyMap<string, Route>;
  /** By id. */
  readonly tcpRoutes: readonly TcpRoute[];
  /** By name. */
  readonly tlsContexts: readonly TlsContext[];
  readonly http: HttpSettings;
}

/**
 * The difference between two snapshots, as it goes to the workers. It applies to a snapshot with
 * `revision === from` only; `from: 0` is a whole snapshot.
 */
export interface SnapshotPatch {
  readonly from: number;
  readonly revision: number;
  /** Null = unchanged. */
  readonly listeners: readonly Listener[] | null;
  readonly virtualHosts: readonly VirtualHost[] | null;
  /** All of them, if one has changed. */
  readonly tcpRoutes: readonly TcpRoute[] | null;
  /** All of them, if one has changed. */
  readonly tlsContexts: readonly TlsContext[] | null;
  readonly http: HttpSettings | null;
  readonly setRoutes: readonly Route[];
  readonly deleteRoutes: readonly string[];
}

/** Endpoints that changed, and services that are no longer named by any route. */
export interface EndpointsPatch {
  readonly set: readonly ServiceEndpoints[];
  /** Keys, see `endpointsKey`. */
  readonly delete: readonly string[];
}

/** The snapshot before anything was read. */
export const emptySnapshot: Snapshot = {
  revision: 0,
  listeners: [],
  virtualHosts: [],
  routes: new Map(),
  tcpRoutes: [],
  tlsContexts: [],
  http: defaultHttpSettings,
};
