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
  /** Buffers that the kernel has not taken; the other side is not read meanwhile, so there is one, or two at an end. */
  readonly #kept: Buffer[] = [];

  constructor(connection: TcpConnection, isClient: boolean) {
    this.#connection = connection;
    this.isClient = isClient;
  }

  onRead(length: number): void {
    const connection = this.#connection;
    const { loop, counts } = connection.environment;
    const series = connection.series!;
    connection.activeAt = loop.tick();
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
    // The read buffer is everybody's, and the kernel may take only a part now: a copy from the pool is what can be kept.
    const buffer = loop.take();
    loop.readBuffer.copy(buffer, 0, 0, length);
    if (!this.other!.write(buffer, length)) this.transport.pause();
  }

  /** Writes a buffer of the loop's pool, or one that may go into it. False: whoever reads for it has to wait. */
  write(buffer: Buffer, length: number): boolean {
    if (this.transport.write(buffer, length)) {
      this.#connection.environment.loop.give(buffer);
      return true;
    }
    this.#kept.push(buffer);
    return false;
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
