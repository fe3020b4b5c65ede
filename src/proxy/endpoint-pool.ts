import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { Http1Pool } from './http1/pool.ts';
import { Http2Pool } from './http2/pool.ts';
import type { EndpointPool } from './service-runtime.ts';

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
  readonly #gateway: Gateway;
  readonly #options: PoolOptions;
  #http1: Http1Pool | null = null;
  #http2: Http2Pool | null = null;

  constructor(gateway: Gateway, address: string, port: number, options: PoolOptions) {
    this.#gateway = gateway;
    this.address = address;
    this.port = port;
    this.#options = options;
  }

  isResting(now: number): boolean {
    return (this.#http2?.isResting(now) ?? false) || (this.#http1?.isResting(now) ?? false);
  }

  connect(exchange: Exchange): void {
    if (exchange.backend!.backend.protocol === 'h2') {
      this.#http2 ??= new Http2Pool(this.#gateway, this.address, this.port, this.#options);
      this.#http2.connect(exchange);
    } else {
      this.#http1 ??= new Http1Pool(this.#gateway, this.address, this.port, this.#options);
      this.#http1.connect(exchange);
    }
  }

  /** Once a second. */
  sweep(now: number): void {
    this.#http1?.sweep(now);
    this.#http2?.sweep(now);
  }

  /** The address is no longer an endpoint: calls finish, connections close. */
  retire(): void {
    this.#http1?.retire();
    this.#http2?.retire();
  }

  /** True when nothing is open and nobody waits. */
  get isUnused(): boolean {
    return (this.#http1?.isUnused ?? true) && (this.#http2?.isUnused ?? true);
  }

  /** Drops everything. */
  close(): void {
    this.#http1?.close();
    this.#http2?.close();
  }
}
