import { isIdempotent } from '../../protocol/http1/methods.ts';
import { ConnectingPool } from '../connecting-pool.ts';
import type { Exchange } from '../exchange.ts';
import { life } from '../life.ts';
import { Http1ClientConnection, type Http1ConnectionEvents } from './client-connection.ts';

const mostConnections = 1024;
/**
 * A call that may not be sent twice takes no connection that has been idle for longer: the upstream may be closing it at
 * this moment, and the call could not be sent again. Servers keep idle connections for a second and more.
 */
const freshMs = 500;
/** What an idle connection is closed before the upstream's own time for it. */
const marginMs = 500;

/** The HTTP/1.1 connections to one address; the one that was used last is used next, so that spare ones run out. */
export class Http1Pool extends ConnectingPool implements Http1ConnectionEvents {
  readonly #connections = new Set<Http1ClientConnection>();
  readonly #idle: Http1ClientConnection[] = [];

  calls(): Exchange[] {
    return [...this.#connections].map(({ exchange }) => exchange).filter((exchange) => exchange !== null);
  }

  protected override hasReady(): boolean {
    return this.#connections.size > this.connecting;
  }

  /** Gives the exchange a connection, now or later. */
  connect(exchange: Exchange): void {
    const connection = this.#take(exchange);
    if (connection !== null) return this.#attach(exchange, connection);
    this.wait(exchange);
  }

  /** An idle connection that this call may use. */
  #take(exchange: Exchange): Http1ClientConnection | null {
    // A connection closed under it once: the next one is new, so that it does not meet another such.
    if (exchange.refusedBy.length > 0) return null;
    const { now } = this.gateway.loop;
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

  protected override grow(): void {
    while (this.waiting.length > this.connecting && this.#connections.size < mostConnections) {
      this.connectBegins();
      const { connectTimeoutMs } = this.options;
      this.#connections.add(
        new Http1ClientConnection(this.gateway, this.address, this.port, this.secure, connectTimeoutMs, this),
      );
    }
  }

  onConnected(): void {
    this.connectSucceeded();
  }

  onIdle(connection: Http1ClientConnection): void {
    for (let at = 0; at < this.waiting.length; ) {
      const exchange = this.waiting[at]!;
      const wantsNew = connection.hasServed && exchange.refusedBy.length > 0 && exchange.state <= life.held;
      if (wantsNew && this.#connections.size < mostConnections) {
        at++;
        continue;
      }
      this.waiting.splice(at, 1);
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
    if (failed) this.connectFailed(why);
    else if (this.waiting.length > 0) this.grow();
  }

  /** Once a second. */
  sweep(now: number): void {
    for (const connection of this.#connections) connection.sweep(now);
    for (const connection of [...this.#idle]) {
      const most = Math.min(this.options.http1IdleMs, connection.keptMs - marginMs);
      if (now - connection.idleSince > most) connection.retire();
    }
    this.sweepWaiting();
  }

  /** The address is no longer an endpoint: calls finish, connections close. */
  retire(): void {
    this.withdraw();
    for (const connection of [...this.#connections]) connection.retire();
  }

  /** True when nothing is open and nobody waits. */
  get isUnused(): boolean {
    return this.#connections.size === 0 && this.waiting.length === 0;
  }

  /** Drops everything. */
  close(): void {
    for (const connection of [...this.#connections]) connection.destroy();
  }
}
