import type { ProxyEndpoints } from '../protocol/proxy-protocol/header.ts';
import type { Client } from './client.ts';
import type { Gateway } from './gateway.ts';
import { type ClientSet, NewConnection } from './new-connection.ts';
import { NewProxiedConnection, type ProxiedEnvironment } from './new-proxied-connection.ts';
import { NewTlsConnection, type TlsEnvironment, type TlsOutcome } from './tls/new-tls-connection.ts';
import type { Accepted } from './transport/tcp-handle.ts';

/** A connection whose first bytes may have been read already. */
interface Arrival {
  readonly accepted: Accepted;
  readonly listener: string;
  /** Read already, before what comes. */
  readonly first: Buffer | null;
  /** What a PROXY header said; null = the connection's own ends count. */
  readonly ends: ProxyEndpoints | null;
}

/** What becomes of an accepted connection: first its PROXY header, then TLS, then what it speaks. */
export class Arrivals {
  readonly #gateway: Gateway;
  readonly #tls: TlsEnvironment;
  readonly #proxied: ProxiedEnvironment;
  readonly #clients: ClientSet;

  /** @param clients gets every connection for as long as it is there. */
  constructor(gateway: Gateway, tls: TlsEnvironment, clients: ClientSet) {
    this.#gateway = gateway;
    this.#tls = tls;
    this.#clients = clients;
    const { loop, metrics, limits } = gateway;
    this.#proxied = { loop, counts: metrics.gateway, timeoutMs: limits.preface_timeout };
  }

  /** Takes an accepted connection. @param listener its listener's name. */
  take(accepted: Accepted, listener: string): void {
    const { listeners } = this.#gateway.store;
    if (listeners.demandsProxy(listener)) this.#readProxyHeader(accepted, listener);
    else this.#begin({ accepted, listener, first: null, ends: null });
  }

  #readProxyHeader(accepted: Accepted, listener: string): void {
    this.#keep(
      new NewProxiedConnection(this.#proxied, accepted, {
        goesOn: (accepted, rest, ends) =>
          this.#begin({ accepted, listener, first: rest.length === 0 ? null : rest, ends }),
        left: (client) => this.#clients.delete(client),
      }),
    );
  }

  #begin(arrival: Arrival): void {
    if (this.#gateway.store.listeners.terminatesTls(arrival.listener)) this.#readHello(arrival);
    else this.#speak(arrival);
  }

  #readHello(arrival: Arrival): void {
    const { accepted, listener, first } = arrival;
    const outcome: TlsOutcome = {
      cleartext: (accepted, first) => this.#speak({ ...arrival, accepted, first }),
      secured: (socket, side) => this.#speak({ ...arrival, accepted: socket, listener: side, first: null }),
      left: (client) => this.#clients.delete(client),
    };
    const connection = new NewTlsConnection(this.#tls, accepted, listener, outcome);
    this.#keep(connection);
    if (first !== null) connection.take(first);
  }

  /** A call's connection, in cleartext or decrypted. */
  #speak({ accepted, listener, first, ends }: Arrival): void {
    const gateway = this.#gateway;
    const connection = new NewConnection(gateway, accepted, listener, this.#clients, ends?.source ?? null);
    if (gateway.draining) connection.drain();
    if (first !== null) connection.take(first);
  }

  #keep(client: Client): void {
    this.#clients.add(client);
    if (this.#gateway.draining) client.drain();
  }
}
