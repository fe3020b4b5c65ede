import { CallCount, GatewayCount } from '../../metrics/catalog.ts';
import type { Transport, TransportOwner } from '../transport/transport.ts';
import type { TcpConnection } from './tcp-connection.ts';

/** One side of a TCP connection that goes through: what its peer sends is written to the other side. */
export class TcpSide implements TransportOwner {
  transport!: Transport;
  /** Null until there is one. */
  other: TcpSide | null = null;
  readonly isClient: boolean;
  /** The peer sends nothing more. */
  ended = false;
  closed = false;
  /** Bytes that its peer has sent. */
  bytes = 0;
  readonly #connection: TcpConnection;
  /** Buffers that the kernel has not taken; the other side is not read meanwhile, so they hold what one read has brought. */
  readonly #kept: Buffer[] = [];

  constructor(connection: TcpConnection, isClient: boolean) {
    this.#connection = connection;
    this.isClient = isClient;
  }

  onRead(length: number): void {
    const connection = this.#connection;
    const { loop, counts } = connection.environment;
    connection.activeAt = loop.tick();
    const { readBuffer } = loop;
    // TLS may have something decrypted for us although it was told to stop.
    if (!connection.flows) return connection.keepEarly(Buffer.from(readBuffer.subarray(0, length)));
    const series = connection.series!;
    series.dirty = true;
    this.bytes += length;
    if (this.isClient) {
      series.counts[CallCount.BYTES_IN]! += length;
      counts[GatewayCount.DOWNSTREAM_BYTES_IN]! += length;
      counts[GatewayCount.UPSTREAM_BYTES_OUT]! += length;
    } else {
      series.counts[CallCount.BYTES_OUT]! += length;
      counts[GatewayCount.UPSTREAM_BYTES_IN]! += length;
      counts[GatewayCount.DOWNSTREAM_BYTES_OUT]! += length;
    }
    if (!this.other!.pass(readBuffer, length)) this.transport.pause();
  }

  /**
   * Writes `bytes[0, length)`, which stay the caller's. False: whoever reads for this side has to wait.
   * Of much, what the kernel takes at once goes from where it lies; the rest is copied, since everybody reads into the same buffer.
   */
  pass(bytes: Buffer, length: number): boolean {
    const { transport } = this;
    const { loop } = this.#connection.environment;
    let from =
      length >= directFrom && this.#kept.length === 0 ? transport.writeNow(null, 0, bytes, 0, length) : 0;
    while (from < length) {
      const buffer = loop.take();
      const part = bytes.copy(buffer, 0, from, length);
      from += part;
      if (transport.write(buffer, part)) loop.give(buffer);
      else this.#kept.push(buffer);
    }
    return this.#kept.length === 0;
  }

  onDrained(): void {
    const connection = this.#connection;
    const { loop } = connection.environment;
    connection.activeAt = loop.tick();
    for (const buffer of this.#kept) loop.give(buffer);
    this.#kept.length = 0;
    if (connection.flows && this.other?.ended === false) this.other.transport.resume();
  }

  onPeerEnded(): void {
    this.#connection.environment.loop.tick();
    this.ended = true;
    this.#connection.onSideEnded(this);
  }

  onClosed(reason: string): void {
    this.#connection.environment.loop.tick();
    if (this.closed) return;
    this.closed = true;
    this.#connection.onSideClosed(this, reason);
  }

  onConnected(): void {
    this.#connection.environment.loop.tick();
    this.#connection.onSideConnected(this);
  }
}

/** Bytes that are handed to the kernel where they are: copying so many costs more than a system call. */
const directFrom = 32_768;
