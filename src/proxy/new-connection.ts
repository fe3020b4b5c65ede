import { GatewayCount, limitIndex } from '../metrics/catalog.ts';
import { preface } from '../protocol/http2/frames.ts';
import type { Client } from './client.ts';
import type { Gateway } from './gateway.ts';
import { mostFirstLine, noPreface, readFirstLine, versionNotSupported } from './http2/not-http2.ts';
import { ServerConnection } from './http2/server-connection.ts';
import { acceptTransport } from './transport/open.ts';
import type { Accepted } from './transport/tcp-handle.ts';
import type { Transport, TransportOwner } from './transport/transport.ts';

/** What takes the place of a connection when it is known what it speaks, and at its end. */
export interface ClientSet {
  add(client: Client): void;
  delete(client: Client): void;
}

/** A client's connection until its first bytes tell what it speaks (RFC 9113 3.3: the preface of HTTP/2). */
export class NewConnection implements Client, TransportOwner {
  readonly #gateway: Gateway;
  readonly #listener: string;
  readonly #clients: ClientSet;
  readonly #transport: Transport;
  readonly #openedAt: number;
  /** Bytes of the preface that have come. */
  #seen = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #draining = false;
  #told = false;
  #firstLine = '';

  /** Takes the connection and adds itself to `clients`. */
  constructor(gateway: Gateway, accepted: Accepted, listener: string, clients: ClientSet) {
    this.#gateway = gateway;
    this.#listener = listener;
    this.#clients = clients;
    this.#openedAt = gateway.loop.tick();
    gateway.metrics.gateway[GatewayCount.DOWNSTREAM_OPENED!]!++;
    clients.add(this);
    this.#transport = acceptTransport(accepted, gateway.loop, this);
  }

  onRead(length: number): void {
    const { loop } = this.#gateway;
    loop.tick();
    this.#bytesIn += length;
    const bytes = loop.readBuffer;
    if (this.#firstLine !== '') return this.#noPreface(length);
    const take = Math.min(preface.length - this.#seen, length);
    for (let i = 0; i < take; i++) {
      if (bytes[i] === preface[this.#seen + i]) continue;
      this.#firstLine = preface.toString('latin1', 0, this.#seen);
      return this.#noPreface(length);
    }
    this.#seen += take;
    if (this.#seen < preface.length) return;
    this.#become(take, length);
  }

  #become(from: number, length: number): void {
    const gateway = this.#gateway;
    const client = new ServerConnection(
      gateway,
      this.#transport,
      plainAddress(this.#transport.remoteAddress),
      this.#listener,
      (closed) => this.#clients.delete(closed),
    );
    // It counts what it is given now itself.
    client.bytesIn = this.#bytesIn - (length - from);
    this.#clients.add(client);
    this.#clients.delete(this);
    if (this.#draining) client.drain();
    if (length > from) client.take(gateway.loop.readBuffer.subarray(from), length - from);
  }

  #noPreface(length: number): void {
    if (this.#told) return;
    this.#firstLine += this.#gateway.loop.readBuffer.toString('latin1', 0, Math.min(length, mostFirstLine));
    const kind = readFirstLine(this.#firstLine);
    if (kind === 'incomplete') return;
    this.#told = true;
    if (kind === 'other') this.#gateway.metrics.gateway[GatewayCount.PROTOCOL_ERRORS_DOWNSTREAM!]!++;
    const answer = kind === 'request' ? versionNotSupported : noPreface;
    this.#bytesOut += answer.length;
    this.#transport.write(answer, answer.length);
    this.#transport.end();
    // A peer that neither reads nor closes would keep it for ever.
    setTimeout(() => this.destroy(), 1000).unref();
  }

  onPeerEnded(): void {
    this.destroy();
  }

  onClosed(): void {
    const counts = this.#gateway.metrics.gateway;
    counts[GatewayCount.DOWNSTREAM_CLOSED!]!++;
    counts[GatewayCount.DOWNSTREAM_BYTES_IN!]! += this.#bytesIn;
    counts[GatewayCount.DOWNSTREAM_BYTES_OUT!]! += this.#bytesOut;
    this.#clients.delete(this);
  }

  onDrained(): void {}

  sweep(now: number): void {
    if (this.#told || now - this.#openedAt <= this.#gateway.limits.preface_timeout) return;
    this.#gateway.metrics.gateway[limitIndex.preface_timeout!]!++;
    this.destroy();
  }

  drain(): void {
    this.#draining = true;
    if (this.#seen === 0) this.destroy();
  }

  shed(): void {}

  destroy(): void {
    this.#transport.destroy();
  }
}

/** Without the prefix of an IPv4 address on an IPv6 socket. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
