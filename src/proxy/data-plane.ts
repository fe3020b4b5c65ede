import { randomBytes } from 'node:crypto';
import { limitIndex } from '../metrics/catalog.ts';
import type { WorkerMetrics } from '../metrics/worker-metrics.ts';
import type { Endpoint, ServiceEndpoints } from '../model/endpoints.ts';
import type { HttpSettings } from '../model/http-settings.ts';
import type { EndpointsPatch, SnapshotPatch } from '../model/snapshot.ts';
import { Arrivals } from './arrivals.ts';
import type { Client } from './client.ts';
import { isAvailable } from './compression/encoders.ts';
import { AddressPool, type PoolOptions, poolDefaults } from './endpoint-pool.ts';
import { abortedReply } from './failures.ts';
import { type AccessEntry, Gateway } from './gateway.ts';
import { type Limits, limitsWith } from './limits.ts';
import { Loop } from './loop.ts';
import { PlaceList } from './place-list.ts';
import { RouteStore } from './route-store.ts';
import { Services } from './service-runtime.ts';
import type { TcpAccessEntry, TcpEnvironment } from './tcp/tcp-environment.ts';
import type { TlsEnvironment } from './tls/new-tls-connection.ts';
import { TlsTermination } from './tls/termination.ts';
import { type Accepted, closeAccepted } from './transport/tcp-handle.ts';

export type { AccessEntry } from './gateway.ts';
export type { Limits } from './limits.ts';

/** What a worker gives its data plane. */
export interface DataPlaneOptions {
  readonly metrics: WorkerMetrics;
  readonly limits?: Partial<Limits>;
  readonly pool?: Partial<PoolOptions>;
  /** 48 random bytes that encrypt TLS session tickets, the same for all workers; by default of this data plane alone. */
  readonly ticketKeys?: Uint8Array;
  /** Asks for the endpoints of a service whose state is `pending`. */
  onResolve(service: string): void;
  onAccess?(line: AccessEntry): void;
  onTcpAccess?(line: TcpAccessEntry): void;
  log(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
}

const sweepMs = 1000;

/** The embedded data plane of one worker: client connections in, calls divided, connections to upstreams out. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #loop = new Loop();
  readonly #services: Services;
  readonly #store: RouteStore;
  readonly #gateway: Gateway;
  readonly #connections = new PlaceList<Client>();
  readonly #clients = {
    add: (client: Client): void => this.#connections.add(client),
    delete: (client: Client): void => {
      this.#connections.delete(client);
      this.#checkDrained();
    },
  };
  readonly #tls: TlsEnvironment;
  readonly #arrivals: Arrivals;
  readonly #pools = new Map<string, AddressPool>();
  readonly #sweeper: NodeJS.Timeout;
  #drained: (() => void) | null = null;
  #sweeps = 0;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#services = new Services((endpoint) => this.#poolOf(endpoint));
    this.#store = new RouteStore(this.#services, options.metrics);
    this.#gateway = new Gateway(
      this.#loop,
      limitsWith(options.limits ?? {}),
      options.metrics,
      this.#store,
      (service) => options.onResolve(service),
      options.onAccess === undefined ? null : (entry) => options.onAccess!(entry),
      (error) =>
        options.log('error', 'fault while reading a connection', { error: error.stack ?? String(error) }),
      (context, error) => options.log('error', `${context}: ${error.message}`),
    );
    const handshakeMs = this.#gateway.limits.tls_handshake_timeout;
    this.#tls = {
      loop: this.#loop,
      counts: options.metrics.gateway,
      timeoutMs: handshakeMs,
      termination: new TlsTermination(
        this.#store.listeners,
        { ticketKeys: options.ticketKeys ?? randomBytes(48), handshakeTimeoutMs: handshakeMs * 2 + 1000 },
        (context, error) => options.log('error', `${context}: ${error.message}`),
      ),
    };
    this.#arrivals = new Arrivals(this.#gateway, this.#tls, this.#tcpEnvironment());
    this.#gateway.shed = () => this.#shed();
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
    this.#sweeper.unref();
  }

  /** Applies a part of a whole snapshot (`from: 0`) or a patch; false = something is missing in between. */
  async applySnapshot(patch: SnapshotPatch): Promise<boolean> {
    const applied = await this.#store.apply(patch);
    if (patch.http !== null) this.#warnOfCodings(patch.http);
    if (patch.tlsContexts !== null) {
      this.#tls.termination.forget();
      this.#gateway.upstreamTls.forget();
    }
    return applied;
  }

  #warnOfCodings({ compression }: HttpSettings): void {
    for (const coding of compression?.codings ?? []) {
      if (isAvailable(coding)) continue;
      const message = `this Node (${process.version}) has no ${coding}: answers are compressed with the other codings only`;
      this.#options.log('warn', message);
    }
  }

  /** Takes over endpoints; calls that waited for them go on. */
  applyEndpoints(patch: EndpointsPatch): void {
    this.#loop.tick();
    for (const service of patch.delete) this.#services.delete(service);
    for (const known of patch.set) this.#services.set(known as ServiceEndpoints);
    for (const pool of this.#services.takeReleased() as AddressPool[]) this.#retire(pool);
  }

  /** Takes an accepted connection; a socket must be paused. @param listener its listener's name. */
  accept(accepted: Accepted, listener: string): void {
    if (this.#connections.size >= this.#gateway.limits.connections) {
      this.#options.metrics.gateway[limitIndex.connections!]!++;
      closeAccepted(accepted);
      return;
    }
    this.#arrivals.take(accepted, listener);
  }

  #tcpEnvironment(): TcpEnvironment {
    const { loop, limits, metrics, wheel, upstreamTls, randomInteger } = this.#gateway;
    const { onTcpAccess, onResolve, pool } = this.#options;
    return {
      loop,
      limits,
      metrics,
      counts: metrics.gateway,
      wheel,
      upstreamTls,
      random: randomInteger,
      connectTimeoutMs: pool?.connectTimeoutMs ?? poolDefaults.connectTimeoutMs,
      clients: this.#clients,
      resolve: (service) => onResolve(service),
      onAccess: onTcpAccess === undefined ? null : (entry) => onTcpAccess(entry),
    };
  }

  /** Ends gracefully: GOAWAY to all clients; resolves when the last call is over and all have gone. */
  drain(): Promise<void> {
    this.#loop.tick();
    this.#gateway.draining = true;
    return new Promise((resolve) => {
      this.#drained = resolve;
      for (const connection of this.#connections.all()) connection.drain();
      this.#checkDrained();
    });
  }

  /** Closes everything now. */
  close(): void {
    clearInterval(this.#sweeper);
    this.#loop.tick();
    for (const connection of this.#connections.all()) connection.destroy();
    for (const pool of this.#pools.values()) pool.close();
    this.#gateway.wheel.stop();
  }

  /** Client connections that are open. */
  get connections(): number {
    return this.#connections.size;
  }

  #checkDrained(): void {
    if (this.#drained === null || this.#connections.size > 0) return;
    const drained = this.#drained;
    this.#drained = null;
    drained();
  }

  #poolOf(endpoint: Endpoint): AddressPool {
    const key = keyOf(endpoint);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = new AddressPool(this.#gateway, endpoint.address, endpoint.port, {
        ...poolDefaults,
        ...this.#options.pool,
      });
      this.#pools.set(key, pool);
    }
    return pool;
  }

  /** Other keys for session tickets, 48 bytes; the same in all workers. */
  setTicketKeys(keys: Uint8Array): void {
    this.#tls.termination.setTicketKeys(keys);
  }

  /**
   * Ends all calls that run on a version of a service: with UNAVAILABLE for gRPC, 503 where no answer has begun, else a reset. Returns how
   * many. @param isMeant says of a label `service` whether it is that service. @param version null = any.
   */
  endCalls(isMeant: (service: string) => boolean, version: string | null): number {
    let ended = 0;
    for (const pool of this.#pools.values()) {
      for (const call of pool.calls()) {
        const running = call.endpoint?.endpoint.version;
        if (running === undefined || (version !== null && running !== version)) continue;
        if (call.backend?.role !== 'canary' || !isMeant(call.backend.backend.service)) continue;
        call.fail(abortedReply(running));
        ended++;
      }
    }
    return ended;
  }

  #retire(pool: AddressPool): void {
    pool.retire();
    if (pool.isUnused) this.#pools.delete(keyOf(pool));
  }

  #sweep(): void {
    const now = this.#loop.tick();
    for (const connection of this.#connections.all()) connection.sweep(now);
    for (const pool of this.#pools.values()) pool.sweep(now);
    // Pools of addresses that are no endpoints any more, whose last call is over by now.
    if (++this.#sweeps % 10 !== 0) return;
    for (const pool of this.#pools.values()) if (!this.#services.isUsed(pool)) this.#retire(pool);
  }

  /** More is queued for slow readers than the worker may hold. */
  #shed(): void {
    for (const connection of this.#connections.all()) {
      connection.shed();
      if (this.#gateway.queued.bytes <= this.#gateway.limits.queued_bytes) return;
    }
  }
}

function keyOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address} ${port}`;
}
