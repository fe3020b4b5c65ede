import type { ResponseBlock } from '../../protocol/hpack/response-blocks.ts';
import { errorCode } from '../../protocol/http2/frames.ts';
import type { Exchange } from '../exchange.ts';
import { withDate } from '../http-date.ts';
import type { Upstream } from '../sides.ts';
import type { ClientConnection } from './client-connection.ts';
import { Http2Stream } from './stream.ts';

/** A call on a connection to an upstream. */
export class ClientStream extends Http2Stream implements Upstream {
  readonly connection: ClientConnection;
  /** Null when the call is over and what still comes is ignored. */
  exchange: Exchange | null;
  #headSeen = false;
  /** Bytes that the answer's content-length still promises; -1 = nothing was promised. */
  #promised = -1;

  constructor(connection: ClientConnection, id: number, exchange: Exchange) {
    super(id, connection.peerInitialWindow);
    this.connection = connection;
    this.exchange = exchange;
  }

  protected override get sender(): ClientConnection {
    return this.connection;
  }

  protected override onDrained(): void {
    this.exchange?.settleRequestCredit();
  }

  protected override onLocalEnd(): void {
    if (this.remoteEnded) this.#over();
  }

  protected override onLocalReset(): void {
    this.connection.forget(this);
  }

  /** REFUSED_STREAM or GOAWAY (RFC 9113 8.7). */
  get mayReturn(): boolean {
    return true;
  }

  cancel(code: number): void {
    this.exchange = null;
    if (this.localEnded && this.remoteEnded) return;
    if (!this.connection.closed) {
      this.localEnded = false;
      this.reset(code);
    }
  }

  /** A header block of the answer. */
  receiveBlock(block: ResponseBlock, fin: boolean): void {
    const exchange = this.exchange;
    if (exchange === null) return;
    if (block.problem !== '') return this.#broken(`a faulty head: ${block.problem}`);
    if (this.#headSeen) {
      if (block.status !== 0 || !fin || this.#promised > 0) return this.#broken('faulty trailers');
      this.remoteEnded = true;
      exchange.responseTrailers(block.bytes, block.length, block.grpcStatus);
      return this.#closeIfEnded();
    }
    if (block.status === 0) return this.#broken('a head without :status');
    if (block.status < 200) {
      if (fin || block.status === 101) return this.#broken('a faulty 1xx head');
      exchange.responseInfo(block);
      return;
    }
    this.#headSeen = true;
    if (exchange.method !== 'HEAD' && block.status !== 204 && block.status !== 304) {
      this.#promised = block.contentLength;
    }
    if (fin && this.#promised > 0) return this.#broken('fewer bytes than its content-length');
    if (fin) this.remoteEnded = true;
    // RFC 9110 6.6.1. Nobody caches a call of gRPC, and its servers send none: theirs stay as they are.
    const head = block.dated || exchange.grpc ? block : withDate(block);
    exchange.responseHead(head, block.grpcStatus, fin);
    if (fin) this.#closeIfEnded();
  }

  /** Body bytes of the answer. */
  receive(bytes: Buffer, start: number, end: number, fin: boolean): void {
    const exchange = this.exchange;
    if (exchange === null) return;
    if (!this.#headSeen) return this.#broken('a body before its head');
    if (this.#promised >= 0) {
      this.#promised -= end - start;
      if (this.#promised < 0) return this.#broken('more bytes than its content-length');
      if (fin && this.#promised > 0) return this.#broken('fewer bytes than its content-length');
    }
    if (fin) this.remoteEnded = true;
    exchange.responseData(bytes, start, end, fin);
    if (fin) this.#closeIfEnded();
  }

  /** RST_STREAM from the upstream. */
  receiveReset(code: number): void {
    const exchange = this.exchange;
    const complete = this.remoteEnded;
    this.exchange = null;
    this.localEnded = true;
    this.remoteEnded = true;
    this.dropQueue();
    exchange?.upstreamReset(code, complete, this.connection);
  }

  /** The upstream broke a rule on this stream. */
  fault(code: number, what: string): void {
    const exchange = this.exchange;
    this.exchange = null;
    this.localEnded = false;
    this.reset(code);
    exchange?.upstreamBroken(what);
  }

  #broken(what: string): void {
    this.connection.brokeProtocol();
    this.fault(errorCode.protocolError, what);
  }

  #closeIfEnded(): void {
    if (this.localEnded) this.#over();
  }

  #over(): void {
    const exchange = this.exchange;
    this.exchange = null;
    this.connection.remove(this);
    exchange?.upstreamDone();
  }
}
