import { reasonIndex, unroutedLabels } from '../metrics/catalog.ts';
import type { ProxyEndpoints } from '../protocol/proxy-protocol/header.ts';
import type { Client } from './client.ts';
import { ClientSources } from './client-sources.ts';
import type { EarlyEnvironment } from './early-connection.ts';
import type { Gateway } from './gateway.ts';
import { type ClientSet, NewConnection } from './new-connection.ts';
import { NewProxiedConnection } from './new-proxied-connection.ts';
import { TcpConnection } from './tcp/tcp-connection.ts';
import type { TcpEnvironment } from './tcp/tcp-environment.ts';
import type { TcpRouteRuntime } from './tcp/tcp-routes.ts';
import { NewTlsConnection, type TlsEnvironment, type TlsOutcome } from './tls/new-tls-connection.ts';
import { type Accepted, closeAccepted, peerAddressOf } from './transport/tcp-handle.ts';

/** A connection whose first bytes may have been read already. */
interface Arrival {
  readonly accepted: Accepted;
  readonly listener: string;
  /** Read already, before what comes. */
  readonly first: Buffer | null;
  /** What a PROXY header said; null = the connection's own ends count. */
  readonly ends: ProxyEndpoints | null;
  /** Where it stands for as long as it is there. */
  readonly clients: ClientSet;
}

/** What becomes of an accepted connection: first its PROXY header, then TLS, then what it speaks. */
export class Arrivals {
  readonly #gateway: Gateway;
  readonly #tls: TlsEnvironment;
  readonly #proxied: EarlyEnvironment;
  readonly #tcp: TcpEnvironment;
  readonly #sources: ClientSources;

  /** Every connection is among the clients of `tcp` for as long as it is there. */
  constructor(gateway: Gateway, tls: TlsEnvironment, tcp: TcpEnvironment) {
    this.#gateway = gateway;
    this.#tls = tls;
    this.#tcp = tcp;
    const { loop, metrics, limits } = gateway;
    this.#sources = new ClientSources(limits, metrics.gateway, tcp.clients);
    this.#proxied = { loop, counts: metrics.gateway, timeoutMs: limits.preface_timeout };
  }

  /** Takes an accepted connection. @param listener its listener's name. */
  take(accepted: Accepted, listener: string): void {
    if (this.#gateway.store.listeners.door(listener).proxyProtocol) this.#readProxyHeader(accepted, listener);
    else this.#enter(accepted, listener, null, null);
  }

  #readProxyHeader(accepted: Accepted, listener: string): void {
    this.#keep(
      new NewProxiedConnection(this.#proxied, accepted, {
        goesOn: (accepted, rest, ends) =>
          this.#enter(accepted, listener, rest.length === 0 ? null : rest, ends),
        left: (client) => this.#tcp.clients.delete(client),
      }),
      this.#tcp.clients,
    );
  }

  /** Whose connection it is, is known: the client's, and not that of a proxy in front. */
  #enter(accepted: Accepted, listener: string, first: Buffer | null, ends: ProxyEndpoints | null): void {
    const clients = this.#sources.enter(() => ends?.source ?? peerAddressOf(accepted));
    if (clients === null) return closeAccepted(accepted);
    const { listeners, tcp } = this.#gateway.store;
    const isPlain = listeners.door(listener).protocol === 'http' && tcp.port(listener) === null;
    if (isPlain) this.#speak(accepted, listener, first, ends?.source ?? null, clients);
    else this.#begin({ accepted, listener, first, ends, clients });
  }

  #begin(arrival: Arrival): void {
    const { listener } = arrival;
    const { listeners, tcp } = this.#gateway.store;
    const port = tcp.port(listener);
    if (port === null) {
      const { protocol } = listeners.door(listener);
      if (protocol === 'https') this.#readHello(arrival);
      else this.#refuse(arrival.accepted);
    } else if (port.names !== null) this.#readHello(arrival);
    else this.#passOn(arrival, port.whole!);
  }

  /** The first bytes tell whether it is TLS, and for which server name. */
  #readHello(arrival: Arrival): void {
    const { accepted, listener, first, clients } = arrival;
    const { listeners, tcp } = this.#gateway.store;
    let route: TcpRouteRuntime | null = null;
    const outcome: TlsOutcome = {
      cleartext: (accepted, first) => {
        const whole = tcp.port(listener)?.whole ?? null;
        if (whole !== null) this.#passOn({ ...arrival, accepted, first }, whole);
        else if (listeners.door(listener).protocol === 'tcp') this.#refuse(accepted);
        else this.#speak(accepted, listener, first, arrival.ends?.source ?? null, clients);
      },
      decide: (serverName) => {
        const port = tcp.port(listener);
        route = port?.names?.find(serverName) ?? null;
        // What is terminated for the name of a TCPMapping is; without a certificate for it the server has one.
        if (route !== null) return listeners.contextFor(listener, serverName) === null ? 'pass' : 'decrypt';
        route = port?.whole ?? null;
        if (route !== null) return 'pass';
        return listeners.door(listener).protocol === 'https' ? 'terminate' : 'refuse';
      },
      passed: (accepted, first) => this.#passOn({ ...arrival, accepted, first }, route!),
      secured: (socket, side) => {
        if (route === null) this.#speak(socket, side, null, arrival.ends?.source ?? null, clients);
        else this.#passOn({ ...arrival, accepted: socket, first: null }, route);
      },
      left: (client) => clients.delete(client),
    };
    const connection = new NewTlsConnection(this.#tls, accepted, listener, outcome);
    this.#keep(connection, clients);
    if (first !== null) connection.take(first);
  }

  /** A connection whose bytes go on to a service. */
  #passOn(arrival: Arrival, route: TcpRouteRuntime): void {
    const { clients } = arrival;
    new TcpConnection(clients === this.#tcp.clients ? this.#tcp : { ...this.#tcp, clients }, arrival, route);
  }

  /** A connection to a port of TCPMappings that none of them takes. */
  #refuse(accepted: Accepted): void {
    const { route, service, version, role } = unroutedLabels;
    const series = this.#gateway.metrics.connections(route, service, version, role);
    series.begin();
    series.end(0, -1, reasonIndex.no_route, 0);
    closeAccepted(accepted);
  }

  /** A call's connection, in cleartext or decrypted. */
  #speak(
    accepted: Accepted,
    listener: string,
    first: Buffer | null,
    source: string | null,
    clients: ClientSet,
  ): void {
    const gateway = this.#gateway;
    const connection = new NewConnection(gateway, accepted, listener, clients, source);
    if (gateway.draining) connection.drain();
    if (first !== null) connection.take(first);
  }

  #keep(client: Client, clients: ClientSet): void {
    clients.add(client);
    if (this.#gateway.draining) client.drain();
  }
}
