import type { CallSeries } from '../metrics/call-series.ts';
import { CallCount } from '../metrics/catalog.ts';
import { isOneMessage, MessageCounter } from '../protocol/grpc/message-counter.ts';
import { grpcStatus } from '../protocol/grpc/status.ts';

/** What is counted of one call: the base of `Exchange`, so that a call stays one object. */
export abstract class CallCounts {
  grpc: boolean;
  /** When its head was complete (ms, the loop's clock). */
  readonly startedAt: number;
  /** Where it is counted; null until its head is sent, or it is answered by the gateway. */
  protected series: CallSeries | null = null;
  /** HTTP status that the client got; 0 = none yet. */
  protected status = 0;
  /** -1 for a call that is none of gRPC's. */
  protected grpcCode = -1;
  /** Index in the catalogue's list of reasons. */
  protected reason = 0;
  /** Bytes of the request's body so far. */
  protected bytesIn = 0;
  #messages = 0;
  /** Made when a frame is not exactly one message, which most are. */
  #messagesIn: MessageCounter | null = null;
  #messagesOut: MessageCounter | null = null;

  constructor(grpc: boolean, startedAt: number) {
    this.grpc = grpc;
    this.startedAt = startedAt;
    if (grpc) this.grpcCode = grpcStatus.unknown;
  }

  /** It is a call of gRPC, whatever the client calls it. */
  protected becomeGrpc(): void {
    this.grpc = true;
    this.grpcCode = grpcStatus.unknown;
  }

  /** The call is under way to a backend whose calls are counted in `series`; a second time it is a retry. */
  protected countSent(series: CallSeries, diverted: boolean): void {
    const before = this.series;
    this.series = series;
    if (before === null) {
      series.begin();
      if (diverted) series.counts[CallCount.DIVERTED]!++;
      return;
    }
    if (before !== series) {
      // Tried at an endpoint of another version: the answer that counts will be that one's.
      before.withdraw();
      series.begin();
    }
    series.counts[CallCount.RETRIES]!++;
    series.dirty = true;
  }

  /** Body bytes from the client. */
  protected countIn(bytes: Buffer, start: number, end: number): void {
    this.bytesIn += end - start;
    if (!this.grpc) return;
    if (this.#messagesIn === null && isOneMessage(bytes, start, end)) this.#messages++;
    else {
      this.#messagesIn ??= new MessageCounter();
      this.#messages += this.#messagesIn.take(bytes, start, end);
    }
  }

  /** Body bytes of the answer. */
  protected countOut(bytes: Buffer, start: number, end: number): void {
    const { counts } = this.series!;
    counts[CallCount.BYTES_OUT]! += end - start;
    if (!this.grpc) return;
    if (this.#messagesOut === null && isOneMessage(bytes, start, end)) counts[CallCount.MESSAGES_OUT]!++;
    else {
      this.#messagesOut ??= new MessageCounter();
      counts[CallCount.MESSAGES_OUT]! += this.#messagesOut.take(bytes, start, end);
    }
  }

  /** The answer begins. */
  protected countFirstByte(now: number): void {
    this.series!.firstByte(Math.round((now - this.startedAt) * 1000));
  }

  /** The call is over for the client; `series` is where it counts if it was never sent. Returns its ms. */
  protected countEnd(now: number, series: CallSeries): number {
    if (this.series === null) {
      this.series = series;
      series.begin();
    }
    const { counts } = this.series;
    counts[CallCount.BYTES_IN]! += this.bytesIn;
    counts[CallCount.MESSAGES_IN]! += this.#messages;
    const elapsed = now - this.startedAt;
    this.series.end(this.status, this.grpcCode, this.reason, Math.round(elapsed * 1000));
    return elapsed;
  }
}
