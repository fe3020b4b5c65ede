import { errorCode } from '../../protocol/http2/frames.ts';
import type { Exchange } from '../exchange.ts';
import type { AnswerHead, Downstream } from '../sides.ts';
import type { ServerConnection } from './server-connection.ts';
import { Http2Stream } from './stream.ts';

/** A client's call on an HTTP/2 connection. */
export class ServerStream extends Http2Stream implements Downstream {
  readonly connection: ServerConnection;
  exchange: Exchange | null = null;
  /** Bytes of the body that content-length still promises; -1 = nothing was promised. */
  promised: number;
  /** When bytes last went either way (ms). */
  touchedAt: number;

  constructor(connection: ServerConnection, id: number, promised: number) {
    super(id, connection.peerInitialWindow);
    this.connection = connection;
    this.promised = promised;
    this.touchedAt = connection.loop.now;
  }

  protected override get sender(): ServerConnection {
    return this.connection;
  }

  sendHead(head: AnswerHead, fin: boolean): void {
    if (this.localEnded) return;
    if (head.lines) {
      const { forms } = this.connection.gateway;
      const length = forms.answerToPlain(head.status, head.bytes, head.length, head.contentLength);
      this.connection.writeHead(this.id, fin, forms.bytes, 0, length);
    } else this.connection.writeHead(this.id, fin, head.bytes, 0, head.length);
    if (!fin) return;
    this.localEnded = true;
    this.onLocalEnd();
  }

  /** RFC 8441 5: what 101 says in HTTP/1.1 is said with 200. */
  sendSwitch(head: AnswerHead, _protocol: string): void {
    const { lines, bytes, length } = head;
    this.sendHead(lines ? { status: 200, lines, bytes, length, contentLength: -1 } : head, false);
  }

  override sendData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    this.touchedAt = this.connection.loop.now;
    super.sendData(bytes, start, end, fin);
  }

  protected override onDrained(): void {
    this.touchedAt = this.connection.loop.now;
    this.exchange?.settleAnswerCredit();
  }

  protected override onLocalEnd(): void {
    this.exchange?.answered();
    if (this.remoteEnded) this.connection.remove(this);
  }

  protected override onLocalReset(): void {
    this.connection.forget(this);
    this.exchange?.downstreamDone();
  }

  /** Body bytes from the client. */
  receive(bytes: Buffer, start: number, end: number, fin: boolean): void {
    const length = end - start;
    this.touchedAt = this.connection.loop.now;
    if (this.promised >= 0) {
      this.promised -= length;
      if (this.promised < 0 || (fin && this.promised > 0)) {
        this.fault(errorCode.protocolError);
        return;
      }
    }
    if (fin) this.remoteEnded = true;
    this.exchange?.requestData(bytes, start, end, fin);
    if (fin) this.closeIfEnded();
  }

  /** The request is over; when the answer is too, so is the stream. */
  closeIfEnded(): void {
    if (!this.localEnded) return;
    this.connection.remove(this);
    this.exchange?.downstreamDone();
  }

  /** The client broke a rule on this stream: RST_STREAM, and the upstream is told. */
  fault(code: number): void {
    const exchange = this.exchange;
    this.exchange = null;
    this.connection.nuisance();
    if (!this.localEnded) this.reset(code);
    else {
      this.localEnded = false;
      this.reset(code);
    }
    exchange?.clientGone();
  }

  /** What waits for the client can never go to it: RST_STREAM, and the upstream is told. */
  strand(): void {
    const exchange = this.exchange;
    this.exchange = null;
    this.reset(errorCode.cancel);
    exchange?.clientGone();
  }

  /**
   * Ends a stream on which nothing has moved for too long: one whose answer is complete while its request never
   * ends (NO_ERROR, RFC 9113 8.1), or a call that is none of gRPC's, whose streams may be silent for hours.
   */
  sweep(now: number): void {
    const { limits } = this.connection.gateway;
    const silent = now - this.touchedAt;
    const exchange = this.exchange;
    if (this.localEnded && !this.remoteEnded) {
      if (silent > answeredMs) this.reset(errorCode.noError);
    } else if (exchange === null || exchange.grpc) return;
    else if (silent > limits.body_timeout && this.receiveWindow > 0 && exchange.awaitsBody)
      exchange.bodyStalled();
    else if (silent > limits.stream_idle_timeout) exchange.idle();
  }
}

/** How long a request may go on behind its complete answer without a byte. */
const answeredMs = 30_000;
