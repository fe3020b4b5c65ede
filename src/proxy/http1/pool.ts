import { isIdempotent } from '../../protocol/http1/methods.ts';
import type { PoolOptions } from '../endpoint-pool.ts';
import type { Exchange } from '../exchange.ts';
import type { Gateway } from '../gateway.ts';
import { life } from '../life.ts';
import type { SecureDial } from '../tls/upstream-contexts.ts';
import { reasonOf } from '../unreachable.ts';
import { Http1ClientConnection, type Http1ConnectionEvents } from './client-connection.ts';

const firstRestMs = 1000;
const longestRestMs = 30_000;
/** A connect that takes longer makes calls go elsewhere meanwhile. */
const slowConnectMs = 200;
const mostConnections = 1024;
/**
 * A call that may not be sent twice takes no connection that has been idle for longer: the upstream may be closing it at
 * this moment, and the call could not be sent again. Servers keep idle connections for a second and more.
 */
const freshMs = 500;
/** What an idle connection is closed before the upstream's own time for it. */
const marginMs = 500;

/** The HTTP/1.1 connections to one address; the one that was used last is used next, so that spare ones run out. */
export class Http1Pool implements Http1ConnectionEvents {
  readonly address: string;
  readonly port: number;
  readonly #gateway: Gateway;
  readonly #secure: SecureDial | null;
  readonly #options: PoolOptions;
  readonly #connections = new Set<Http1ClientConnection>();
  readonly #idle: Http1ClientConnection[] = [];
  #waiting: Exchange[] = [];
  #connecting = 0;
  #connectingSince = 0;
  #restUntil = 0;
  #restMs = 0;

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
  }

  /** True while calls had better go elsewhere: a connect failed a moment ago, or takes long. */
  isResting(now: number): boolean {
    if (now < this.#restUntil) return true;
    const stands = this.#connections.size > this.#connecting;
    return this.#connecting > 0 && !stands && now - this.#connectingSince > slowConnectMs;
  }

  /** Gives the exchange a connection, now or later. */
  connect(exchange: Exchange): void {
    const connection = this.#take(exchange);
    if (connection !== null) return this.#attach(exchange, connection);
    this.#waiting = this.#gateway.stillWaiting(this.#waiting);
    if (!this.#gateway.mayHold(exchange, this.#waiting)) return;
    exchange.hold();
    this.#waiting.push(exchange);
    this.#grow();
  }

  /** An idle connection that this call may use. */
  #take(exchange: Exchange): Http1ClientConnection | null {
    // A connection closed under it once: the next one is new, so that it does not meet another such.
    if (exchange.refusedBy.length > 0) return null;
    const { now } = this.#gateway.loop;
    const idle = this.#idle;
    for (;;) {
      const connection = idle[idle.length - 1];
      if (connection === undefined) return null;
      const age = now - connection.idleSince;
      if (age > freshMs && !isIdempotent(exchange.method)) return null;
      idle.pop();
      if (connection.isUsable && age < connection.keptMs - marginMs) return connection;
      connection.retire();
    }
  }

  #attach(exchange: Exchange, connection: Http1ClientConnection): void {
    exchange.attach(connection);
    if (connection.isUsable) this.#idle.push(connection);
  }

  #grow(): void {
    while (this.#waiting.length > this.#connecting && this.#connections.size < mostConnections) {
      if (this.#connecting++ === 0) {
        this.#connectingSince = this.#gateway.loop.now;
        setTimeout(() => this.#moveWaiting(), slowConnectMs).unref();
      }
      const { connectTimeoutMs } = this.#options;
      this.#connections.add(
        new Http1ClientConnection(
          this.#gateway,
          this.address,
          this.port,
          this.#secure,
          connectTimeoutMs,
          this,
        ),
      );
    }
  }

  /** The connect takes long: calls that wait for it go to another endpoint where a healthy one is. */
  #moveWaiting(): void {
    if (this.#connecting === 0 || this.#connections.size > this.#connecting) return;
    this.#gateway.loop.tick();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const exchange of waiting) {
      if (exchange.state <= life.held && !exchange.goElsewhere()) this.#waiting.push(exchange);
    }
  }

  onConnected(): void {
    this.#connecting--;
    this.#restMs = 0;
    this.#restUntil = 0;
  }

  onIdle(connection: Http1ClientConnection): void {
    while (this.#waiting.length > 0) {
      const exchange = this.#waiting.shift()!;
      if (exchange.state > life.held) continue;
      exchange.attach(connection);
      if (!connection.isUsable) return;
    }
    this.#idle.push(connection);
  }

  onGone(connection: Http1ClientConnection, failed: boolean, why: string): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (!failed) {
      if (this.#waiting.length > 0) this.#grow();
      return;
    }
    this.#connecting--;
    this.#restMs = this.#restMs === 0 ? firstRestMs : Math.min(this.#restMs * 2, longestRestMs);
    if (this.#connections.size > this.#connecting) return;
    this.#restUntil = this.#gateway.loop.now + this.#restMs;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const exchange of waiting) exchange.endpointFailed(`${this.address}:${this.port} ${reasonOf(why)}`);
  }

  /** Once a second. */
  sweep(now: number): void {
    for (const connection of this.#connections) connection.sweep(now);
    for (const connection of [...this.#idle]) {
      const most = Math.min(this.#options.http1IdleMs, connection.keptMs - marginMs);
      if (now - connection.idleSince > most) connection.retire();
    }
    this.#waiting = this.#waiting.filter((exchange) => exchange.state <= life.held);
  }

  /** The address is no longer an endpoint: calls finish, connections close. */
  retire(): void {
    for (const connection of [...this.#connections]) connection.retire();
  }

  /** True when nothing is open and nobody waits. */
  get isUnused(): boolean {
    return this.#connections.size === 0 && this.#waiting.length === 0;
  }

  /** Drops everything. */
  close(): void {
    for (const connection of [...this.#connections]) connection.destroy();
  }
}
