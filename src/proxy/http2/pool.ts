import { ConnectingPool } from '../connecting-pool.ts';
import type { Exchange } from '../exchange.ts';
import { ClientConnection, type ClientConnectionEvents } from './client-connection.ts';

/** Calls that a connection is expected to take before its SETTINGS are there. */
const assumedStreams = 100;
const mostConnections = 512;

/** The connections to one address: few, packed ("first with room" keeps writes large), within the peer's limit. */
export class Http2Pool extends ConnectingPool implements ClientConnectionEvents {
  #connections: ClientConnection[] = [];
  #keepAliveMs: number;

  constructor(...parts: ConstructorParameters<typeof ConnectingPool>) {
    super(...parts);
    this.#keepAliveMs = this.options.keepAliveMs;
  }

  calls(): Exchange[] {
    const streams = this.#connections.flatMap((connection) => connection.streams.all());
    return streams.map(({ exchange }) => exchange).filter((exchange) => exchange !== null);
  }

  protected override hasReady(): boolean {
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
    this.wait(exchange);
  }

  protected override grow(): void {
    const streams = this.#streamsPerConnection();
    while (
      this.waiting.length > this.connecting * streams &&
      this.#connections.length < mostConnections &&
      streams > 0
    ) {
      this.connectBegins();
      this.#connections.push(
        new ClientConnection(this.gateway, this.address, this.port, this.secure, this.options, this),
      );
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
      this.connectSucceeded();
    }
    const waiting = this.waiting;
    if (waiting.length === 0) return;
    const left: Exchange[] = [];
    for (const exchange of waiting) {
      if (connection.capacity <= 0 || exchange.refusedBy.includes(connection)) left.push(exchange);
      else exchange.attach(connection);
    }
    this.waiting = left;
    if (this.waiting.length > 0) this.grow();
  }

  /** Connections that have been ready. */
  readonly #known = new WeakSet<ClientConnection>();

  onGone(connection: ClientConnection, failed: boolean, why: string): void {
    this.#connections = this.#connections.filter((other) => other !== connection);
    if (failed) this.connectFailed(why);
    else if (this.waiting.length > 0) this.grow();
  }

  onTooManyPings(): void {
    this.#keepAliveMs *= 2;
  }

  /** Once a second. */
  sweep(now: number): void {
    for (const connection of [...this.#connections]) {
      connection.sweep(now, this.options.idleMs, this.#keepAliveMs);
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
    return this.#connections.length === 0 && this.waiting.length === 0;
  }

  /** Drops everything. */
  close(): void {
    for (const connection of [...this.#connections]) connection.destroy();
  }
}
