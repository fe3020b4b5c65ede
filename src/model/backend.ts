import type { VersionSubset } from './endpoints.ts';
import type { PathRewrite } from './path.ts';
import type { UpstreamTls } from './tls.ts';

/** A header that is set on the way. `append` adds a line (Ambassador's default), else the field is replaced. */
export interface HeaderAddition {
  readonly name: string;
  readonly value: string;
  readonly append: boolean;
}

/** What is changed in a head: removed first, then added. Names in lower case. */
export interface HeaderEdits {
  readonly remove: readonly string[];
  readonly add: readonly HeaderAddition[];
}

/** What a connection to the upstream speaks. */
export type UpstreamProtocol = 'h2' | 'http1';

/** One weighted member of a split, whatever is carried to it. */
export interface ServiceBackend {
  /** The object it comes from, `name.namespace`. */
  readonly name: string;
  /** Label `service`: host with namespace and port, `grpc-server.default:50051`. */
  readonly service: string;
  /** The part of the service that calls go to; null or absent = all of it. See {@link endpointsKey}. */
  readonly subset?: VersionSubset | null;
  /** Null = cleartext. */
  readonly tls: UpstreamTls | null;
  /** What becomes of the share when no endpoint is ready: `divert` to stable (counted), or `fail`. */
  readonly onEmpty: 'divert' | 'fail';
}

/** A member that gets calls: a service and its own filters. */
export interface Backend extends ServiceBackend {
  readonly protocol: UpstreamProtocol;
  readonly rewrite: PathRewrite;
  /** Literal `:authority` for the upstream; null leaves the client's. */
  readonly hostRewrite: string | null;
  readonly requestHeaders: HeaderEdits;
  readonly responseHeaders: HeaderEdits;
  /** Protocols that a client may upgrade to, in lower case: `websocket`. */
  readonly upgrades: readonly string[];
  /** Calls of gRPC-Web become gRPC's. */
  readonly grpcWeb: boolean;
  /**
   * Milliseconds for the whole answer; 0 = none; null = not set (gRPC: none, others: 3000).
   * For gRPC calls a set value cuts any call.
   */
  readonly timeoutMs: number | null;
}
