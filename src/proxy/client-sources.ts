import { limitIndex } from '../metrics/catalog.ts';
import type { Client } from './client.ts';
import type { Limits } from './limits.ts';
import type { ClientSet } from './new-connection.ts';

/**
 * How many connections each client address has, where `connections_per_source` bounds them. A connection is several
 * `Client`s one after the other (unread, in its handshake, speaking), which all stand in one set: it is over when that is empty.
 */
export class ClientSources {
  readonly #most: number;
  readonly #counts: Float64Array;
  readonly #clients: ClientSet;
  readonly #connections = new Map<string, number>();

  /** @param counts `WorkerMetrics.gateway`. @param clients where all connections stand. */
  constructor(limits: Limits, counts: Float64Array, clients: ClientSet) {
    this.#most = limits.connections_per_source;
    this.#counts = counts;
    this.#clients = clients;
  }

  /**
   * The set for one more connection from an address; null when it has as many as it may.
   * @param address asked only where there is a limit.
   */
  enter(address: () => string): ClientSet | null {
    if (this.#most === 0) return this.#clients;
    const source = address();
    if ((this.#connections.get(source) ?? 0) >= this.#most) {
      this.#counts[limitIndex.connections_per_source!]!++;
      return null;
    }
    let members = 0;
    return {
      add: (client: Client): void => {
        if (members++ === 0) this.#connections.set(source, (this.#connections.get(source) ?? 0) + 1);
        this.#clients.add(client);
      },
      delete: (client: Client): void => {
        const stood = client.place >= 0;
        this.#clients.delete(client);
        if (stood && --members === 0) this.#leave(source);
      },
    };
  }

  /** Addresses that have connections. */
  get size(): number {
    return this.#connections.size;
  }

  #leave(source: string): void {
    const open = this.#connections.get(source)! - 1;
    if (open > 0) this.#connections.set(source, open);
    else this.#connections.delete(source);
  }
}
