import { errorCode } from '../../protocol/http2/frames.ts';
import type { Exchange } from '../exchange.ts';
import type { Downstream } from '../sides.ts';
import type { ServerConnection } from './server-connection.ts';
import { Http2Stream } from './stream.ts';

/** A client's call on an HTTP/2 connection. */
export class ServerStream extends Http2Stream implements Downstream {
  readonly connection: ServerConnection;
  exchange: Exchange | null = null;
  /** Bytes of the body that content-length still promises; -1 = nothing was promised. */
  promised: number;

  constructor(connection: ServerConnection, id: number, promised: number) {
    super(id, connection.peerInitialWindow);
    this.connection = connection;
    this.promised = promised;
  }

  protected override get sender(): ServerConnection {
    return this.connection;
  }

  sendHead(block: Buffer, start: number, end: number, fin: boolean): void {
    if (this.localEnded) return;
    this.connection.writeHead(this.id, fin, block, start, end);
    if (!fin) return;
    this.localEnded = true;
    this.onLocalEnd();
  }

  protected override onDrained(): void {
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
}
