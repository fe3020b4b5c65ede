import type { ServiceBackend } from './backend.ts';
import type { Split } from './split.ts';

/** A service that connections are passed on to, as bytes. */
export interface TcpBackend extends ServiceBackend {
  /** Version of the PROXY protocol header that is sent before everything else, TLS included; null = none. */
  readonly proxyProtocol: 1 | 2 | null;
}

/**
 * What becomes of connections to a port as a whole, or of those that ask for one server name. It is drawn once for a
 * connection; a share of `next` finds no route, and one of `respond` is closed.
 */
export interface TcpRoute {
  /** Stable over compiles; unique in a snapshot. */
  readonly id: string;
  /** Label `route` and name in every listing: `name.namespace` of the leading object. */
  readonly name: string;
  /** Name of the {@link Listener} whose connections it takes. */
  readonly listener: string;
  /** IP address that is listened on; null = the address given by --bind. */
  readonly address: string | null;
  readonly port: number;
  /**
   * Server name (SNI) in lower case: exact, or a glob with one star at one end; chosen as `TlsContext.hostnames` are.
   * TLS is terminated where a context of the listener has the name, and passed on untouched where none has. Null: every
   * connection that no other route of the listener takes, whatever it speaks.
   */
  readonly host: string | null;
  readonly split: Split<TcpBackend>;
  /** Milliseconds without a byte in either direction after which a connection is closed; 0 = never. */
  readonly idleTimeoutMs: number;
}
