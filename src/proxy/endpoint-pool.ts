import type { UpstreamProtocol } from '../model/backend.ts';
import type { Exchange } from './exchange.ts';
import { brokenTlsReply } from './failures.ts';
import type { Gateway } from './gateway.ts';
import { Http1Pool } from './http1/pool.ts';
import { Http2Pool } from './http2/pool.ts';
import { Rest } from './rest.ts';
import type { EndpointPool } from './service-runtime.ts';
import type { SecureDial } from './tls/upstream-contexts.ts';

/** What can be set of connections to upstreams, in ms. */
export interface PoolOptions {
  /** For TCP, and for HTTP/2 the first SETTINGS together with it; Ambassador's connect_timeout_ms. */
  readonly connectTimeoutMs: number;
  /** An HTTP/2 connection without a call is closed after it. */
  readonly idleMs: number;
  /** Between PINGs on a connection with calls; 0 = none. Never under 5 minutes: many servers refuse more. */
  readonly keepAliveMs: number;
  /** The same for HTTP/1.1, where an upstream may close it at the very moment at which a request goes out. */
  readonly http1IdleMs: number;
  /** Long repeated fields go into the upstream's dynamic table. */
  readonly indexFields: boolean;
}

/** Defaults of {@link PoolOptions}. */
export const poolDefaults: PoolOptions = {
  connectTimeoutMs: 3000,
  idleMs: 300_000,
  keepAliveMs: 0,
  http1IdleMs: 60_000,
  indexFields: true,
};

/** The connections to one address, by what they speak; a backend says which it wants. */
export class AddressPool implements EndpointPool {
  readonly address: string;
  readonly port: number;
  readonly rest = new Rest();
  readonly #gateway: Gateway;
  readonly #options: PoolOptions;
  /** In cleartext: what almost all are. */
  #http1: Http1Pool | null = null;
  #http2: Http2Pool | null = null;
  /** Over TLS, by protocol and by how it is spoken. */
  readonly #secured = new Map<string, Http1Pool | Http2Pool>();

  constructor(gateway: Gateway, address: string, port: number, options: PoolOptions) {
    this.#gateway = gateway;
    this.address = address;
    this.port = port;
    this.#options = options;
  }

  isResting(now: number): boolean {
    if (this.rest.lasts(now)) return true;
    if (this.#http2?.isResting(now) === true || this.#http1?.isResting(now) === true) return true;
    if (this.#secured.size > 0)
      for (const pool of this.#secured.values()) if (pool.isResting(now)) return true;
    return false;
  }

  connect(exchange: Exchange): void {
    const { protocol, tls } = exchange.backend!.backend;
    if (tls !== null) this.#connectSecured(exchange);
    else if (protocol === 'h2') {
      this.#http2 ??= this.#make('h2', null) as Http2Pool;
      this.#http2.connect(exchange);
    } else {
      this.#http1 ??= this.#make('http1', null) as Http1Pool;
      this.#http1.connect(exchange);
    }
  }

  #connectSecured(exchange: Exchange): void {
    const { protocol, tls } = exchange.backend!.backend;
    const dial = this.#gateway.upstreamTls.dial(tls!);
    if (dial === null) return exchange.fail(brokenTlsReply(tls!.context));
    const key = `${protocol} ${dial.key}`;
    let pool = this.#secured.get(key);
    if (pool === undefined) {
      pool = this.#make(protocol, dial);
      this.#secured.set(key, pool);
    }
    pool.connect(exchange);
  }

  #make(protocol: UpstreamProtocol, secure: SecureDial | null): Http1Pool | Http2Pool {
    const Pool = protocol === 'h2' ? Http2Pool : Http1Pool;
    return new Pool(this.#gateway, this.address, this.port, secure, this.#options);
  }

  *#all(): Generator<Http1Pool | Http2Pool> {
    if (this.#http1 !== null) yield this.#http1;
    if (this.#http2 !== null) yield this.#http2;
    yield* this.#secured.values();
  }

  /** Calls that go to the address, whatever they speak. */
  calls(): Exchange[] {
    return [...this.#all()].flatMap((pool) => pool.calls());
  }

  /** Once a second. */
  sweep(now: number): void {
    for (const pool of this.#all()) pool.sweep(now);
    // Of contexts that are others by now, whose last connection has closed.
    for (const [key, pool] of this.#secured) if (pool.isUnused) this.#secured.delete(key);
  }

  /** The address is no longer an endpoint: calls finish, those that wait go elsewhere, connections close. */
  retire(): void {
    for (const pool of this.#all()) pool.retire();
  }

  /** True when nothing is open and nobody waits. */
  get isUnused(): boolean {
    for (const pool of this.#all()) if (!pool.isUnused) return false;
    return true;
  }

  /** Drops everything. */
  close(): void {
    for (const pool of this.#all()) pool.close();
  }
}
