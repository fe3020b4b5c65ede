import { GatewayCount, limitIndex } from '../metrics/catalog.ts';
import { preface } from '../protocol/http2/frames.ts';
import type { Client } from './client.ts';
import type { Gateway } from './gateway.ts';
import { Http1ServerConnection } from './http1/server-connection.ts';
import { noPreface } from './http2/no-preface.ts';
import { ServerConnection } from './http2/server-connection.ts';
import { plainAddress } from './transport/early-socket.ts';
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
  place = -1;
  readonly #gateway: Gateway;
  readonly #listener: string;
  readonly #clients: ClientSet;
  readonly #transport: Transport;
  readonly #openedAt: number;
  readonly #address: string;
  /** Bytes of the preface that have come. */
  #seen = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #draining = false;
  #told = false;

  /**
   * Takes the connection and adds itself to `clients`.
   * @param address the client's IP address where a PROXY header gave it; null = the connection's own.
   */
  constructor(
    gateway: Gateway,
    accepted: Accepted,
    listener: string,
    clients: ClientSet,
    address: string | null,
  ) {
    this.#gateway = gateway;
    this.#listener = listener;
    this.#clients = clients;
    this.#openedAt = gateway.loop.tick();
    gateway.metrics.gateway[GatewayCount.DOWNSTREAM_OPENED!]!++;
    clients.add(this);
    this.#transport = acceptTransport(accepted, gateway.loop, this);
    this.#address = plainAddress(address ?? this.#transport.remoteAddress);
  }

  /** Takes bytes that were read before it was made. */
  take(first: Buffer): void {
    const { readBuffer } = this.#gateway.loop;
    const transport = this.#transport;
    // Whoever takes its place by what the first piece says gets the next one.
    for (let at = 0; at < first.length; at += readBuffer.length) {
      transport.owner.onRead(first.copy(readBuffer, 0, at));
    }
  }

  onRead(length: number): void {
    if (this.#told) return;
    const { loop } = this.#gateway;
    loop.tick();
    this.#bytesIn += length;
    const bytes = loop.readBuffer;
    const take = Math.min(preface.length - this.#seen, length);
    for (let i = 0; i < take; i++) {
      if (bytes[i] === preface[this.#seen + i]) continue;
      if (this.#seen + i >= firstLineBytes) return this.#brokenPreface();
      return this.#becomeHttp1(length);
    }
    this.#seen += take;
    if (this.#seen < preface.length) return;
    this.#becomeHttp2(take, length);
  }

  #becomeHttp2(from: number, length: number): void {
    const gateway = this.#gateway;
    const client = new ServerConnection(gateway, this.#transport, this.#address, this.#listener, (closed) =>
      this.#clients.delete(closed),
    );
    // It counts what it is given now itself.
    client.bytesIn = this.#bytesIn - (length - from);
    this.#giveTo(client);
    if (length > from) client.take(gateway.loop.readBuffer.subarray(from), length - from);
  }

  #becomeHttp1(length: number): void {
    const gateway = this.#gateway;
    const client = new Http1ServerConnection(
      gateway,
      this.#transport,
      this.#address,
      this.#listener,
      (closed) => this.#clients.delete(closed),
    );
    this.#giveTo(client);
    const bytes = gateway.loop.readBuffer;
    if (this.#seen === 0) return client.take(bytes, length);
    // A method that begins as the preface does: POST, PUT, PROPFIND.
    client.take(
      Buffer.concat([preface.subarray(0, this.#seen), bytes.subarray(0, length)]),
      this.#seen + length,
    );
  }

  #giveTo(client: Client): void {
    this.#clients.add(client);
    this.#clients.delete(this);
    if (this.#draining) client.drain();
  }

  /** It said that it speaks HTTP/2, and does not. */
  #brokenPreface(): void {
    this.#told = true;
    this.#gateway.metrics.gateway[GatewayCount.PROTOCOL_ERRORS_DOWNSTREAM!]!++;
    this.#bytesOut += noPreface.length;
    this.#transport.write(noPreface, noPreface.length);
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

  onConnected(): void {}

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

/** `PRI * HTTP/2.0` and its CRLF: whoever sends that means HTTP/2. */
const firstLineBytes = 16;
