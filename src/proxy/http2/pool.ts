import type { PoolOptions } from '../endpoint-pool.ts';
import type { Exchange } from '../exchange.ts';
import type { Gateway } from '../gateway.ts';
import { life } from '../life.ts';
import type { SecureDial } from '../tls/upstream-contexts.ts';
import { reasonOf } from '../unreachable.ts';
import { ClientConnection, type ClientConnectionEvents } from './client-connection.ts';

const firstRestMs = 1000;
const longestRestMs = 30_000;
/** A connect that takes longer makes calls go elsewhere meanwhile. */
const slowConnectMs = 200;
/** Calls that a connection is expected to take before its SETTINGS are there. */
const assumedStreams = 100;
const mostConnections = 512;

/** The connections to one address: few, packed ("first with room" keeps writes large), within the peer's limit. */
export class Http2Pool implements ClientConnectionEvents {
  readonly address: string;
  readonly port: number;
  readonly #gateway: Gateway;
  readonly #secure: SecureDial | null;
  readonly #options: PoolOptions;
  #connections: ClientConnection[] = [];
  #waiting: Exchange[] = [];
  #connecting = 0;
  #connectingSince = 0;
  #restUntil = 0;
  #restMs = 0;
  #keepAliveMs: number;

  /** @param secure how TLS is spoken; null = in cleartext. */
  constructor(
    gateway: Gateway,
    address: string,
    port: number,
    secure: SecureDial | null,
    options: PoolOptions,
  ) {
    this.#gateway = gateway;
    this.address = address;
    this.port = port;
    this.#secure = secure;
    this.#options = options;
    this.#keepAliveMs = options.keepAliveMs;
  }

  /** True while calls had better go elsewhere: a connect failed a moment ago, or takes long. */
  isResting(now: number): boolean {
    if (now < this.#restUntil) return true;
    return this.#connecting > 0 && now - this.#connectingSince > slowConnectMs && !this.#hasReady();
  }

  #hasReady(): boolean {
    for (const connection of this.#connections) if (connection.isReady && !connection.draining) return true;
    return false;
  }

  /** Gives the exchange a connection, now or later. */
  connect(exchange: Exchange): void {
    const connections = this.#connections;
    for (let i = 0; i < connections.length; i++) {
      const connection = connections[i]!;
      if (connection.capacity > 0 && !connection.blocked && !exchange.refusedBy.includes(connection)) {
        exchange.attach(connection);
        return;
      }
    }
    this.#waiting = this.#gateway.stillWaiting(this.#waiting);
    if (!this.#gateway.mayHold(exchange, this.#waiting)) return;
    exchange.hold();
    this.#waiting.push(exchange);
    this.#grow();
  }

  /** Opens as many connections as the waiting calls need. */
  #grow(): void {
    const streams = this.#streamsPerConnection();
    while (
      this.#waiting.length > this.#connecting * streams &&
      this.#connections.length < mostConnections &&
      streams > 0
    ) {
      if (this.#connecting++ === 0) {
        this.#connectingSince = this.#gateway.loop.now;
        setTimeout(() => this.#moveWaiting(), slowConnectMs).unref();
      }
      this.#connections.push(
        new ClientConnection(this.#gateway, this.address, this.port, this.#secure, this.#options, this),
      );
    }
  }

  /** The connect takes long: calls that wait for it go to another endpoint where a healthy one is. */
  #moveWaiting(): void {
    if (this.#connecting === 0 || this.#hasReady()) return;
    this.#gateway.loop.tick();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const exchange of waiting) {
      if (exchange.state <= life.held && !exchange.goElsewhere()) this.#waiting.push(exchange);
    }
  }

  /** 0 when the peer wants none at all: then they wait until it does. */
  #streamsPerConnection(): number {
    for (const connection of this.#connections) {
      if (connection.isReady && !connection.draining) return Math.min(connection.peerMaxStreams, 10_000);
    }
    return assumedStreams;
  }

  onRoom(connection: ClientConnection): void {
    if (!this.#known.has(connection)) {
      this.#known.add(connection);
      this.#connecting--;
      this.#restMs = 0;
      this.#restUntil = 0;
    }
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    const left: Exchange[] = [];
    for (const exchange of waiting) {
      if (connection.capacity <= 0 || exchange.refusedBy.includes(connection)) left.push(exchange);
      else exchange.attach(connection);
    }
    this.#waiting = left;
    if (this.#waiting.length > 0) this.#grow();
  }

  /** Connections that have been ready. */
  readonly #known = new WeakSet<ClientConnection>();

  onGone(connection: ClientConnection, failed: boolean, why: string): void {
    this.#connections = this.#connections.filter((other) => other !== connection);
    if (!failed) {
      if (this.#waiting.length > 0) this.#grow();
      return;
    }
    this.#connecting--;
    this.#restMs = this.#restMs === 0 ? firstRestMs : Math.min(this.#restMs * 2, longestRestMs);
    if (this.#hasReady()) return;
    this.#restUntil = this.#gateway.loop.now + this.#restMs;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const exchange of waiting) exchange.endpointFailed(`${this.address}:${this.port} ${reasonOf(why)}`);
  }

  onTooManyPings(): void {
    this.#keepAliveMs *= 2;
  }

  /** Once a second. */
  sweep(now: number): void {
    for (const connection of [...this.#connections]) {
      connection.sweep(now, this.#options.idleMs, this.#keepAliveMs);
    }
    this.#waiting = this.#waiting.filter((exchange) => exchange.state <= life.held);
  }

  /** The address is no longer an endpoint: calls finish, connections close. */
  retire(): void {
    for (const connection of [...this.#connections]) connection.retire();
  }

  /** True when nothing is open and nobody waits. */
  get isUnused(): boolean {
    return this.#connections.length === 0 && this.#waiting.length === 0;
  }

  /** Drops everything. */
  close(): void {
    for (const connection of [...this.#connections]) connection.destroy();
  }
}
