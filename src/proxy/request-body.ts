import { limitIndex } from '../metrics/catalog.ts';
import { ClientRequest } from './client-request.ts';
import { badBase64Reply, bodyTooLongReply } from './failures.ts';
import type { GrpcWebSide } from './grpc-web.ts';
import { life } from './life.ts';
import type { LocalReply } from './local-reply.ts';
import type { Upstream } from './sides.ts';
import type { Timed } from './timer-wheel.ts';

/** The way of a request's body from the client to the upstream, with its limits: the base of `Exchange`, so that a call stays one object. */
export abstract class RequestBody extends ClientRequest implements Timed {
  timerNext: Timed | null = null;
  timerPrevious: Timed | null = null;
  timerAt = 0;

  /** One of {@link life}. */
  state: number = life.begun;
  upstream: Upstream | null = null;
  /** The client speaks gRPC-Web, and the upstream gRPC. */
  protected web: GrpcWebSide | null = null;
  /** Milliseconds that the call may take; 0 = no limit. */
  protected limitMs = 0;
  /** Bytes that the request's body may have. */
  protected mostBody = Number.POSITIVE_INFINITY;
  /** Request bytes for which the client has no credit yet. */
  #uncredited = 0;

  /** The deadline is over. */
  abstract onTimer(): void;
  /** The client broke a rule in the middle of its request: it is answered, and the upstream's call ends. */
  abstract clientBroke(reply: LocalReply): void;

  /** Body bytes from the client, as it has sent them. */
  requestData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    if (this.web === null || !this.web.decodes || this.state > life.responding) {
      return this.#takeData(bytes, start, end, fin);
    }
    const length = this.web.decode(bytes, start, end, fin);
    if (length >= 0) return this.#takeData(this.web.bytes, 0, length, fin);
    this.requestEnded ||= fin;
    this.clientBroke(badBase64Reply());
  }

  #takeData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    if (fin) this.requestEnded = true;
    if (this.state >= life.answered && this.upstream === null) {
      this.downstream.credit(end - start);
      return;
    }
    this.#uncredited += end - start;
    this.countIn(bytes, start, end);
    if (this.bytesIn > this.mostBody) return this.clientBroke(this.bodyTooLong());
    if (fin) this.#requestIsWhole();
    const upstream = this.upstream;
    if (upstream !== null) {
      upstream.sendData(bytes, start, end, fin);
      const kept = this.chunk !== null && this.state === life.sent;
      if (kept && !(upstream.mayReturn && this.keepBody(bytes, start, end))) this.release();
      this.settleRequestCredit();
    } else if (this.state <= life.held) this.holdBody(bytes, start, end);
  }

  /** The limit is counted; what the client is told. */
  protected bodyTooLong(): LocalReply {
    this.gateway.metrics.gateway[limitIndex.body_bytes!]!++;
    return bodyTooLongReply(this.mostBody);
  }

  /** A limit is about the answer: where the request took its time the clock begins anew behind it, as in Envoy. */
  #requestIsWhole(): void {
    const { now } = this.gateway.loop;
    if (this.grpc || this.limitMs === 0 || now === this.startedAt || this.state >= life.answered) return;
    this.gateway.wheel.arm(this, now + this.limitMs);
  }

  /** The client is the one who has to go on: the answer has not begun (1xx is none), and the body is not complete. */
  get awaitsBody(): boolean {
    return !this.grpc && !this.requestEnded && this.status === 0 && this.upgrade === '';
  }

  /** Trailers from the client: they end the request. */
  requestTrailers(block: Buffer, start: number, end: number): void {
    this.requestEnded = true;
    this.#requestIsWhole();
    if (this.state === life.sent && this.chunk !== null)
      this.trailers = Buffer.from(block.subarray(start, end));
    if (this.upstream !== null) this.upstream.sendTrailers(block, start, end);
    else if (this.state <= life.held) this.trailers = Buffer.from(block.subarray(start, end));
  }

  /** Gives the client credit for what has gone on. */
  settleRequestCredit(): void {
    const held = this.upstream === null ? this.#uncredited : this.upstream.queuedBytes;
    const credit = this.#uncredited - held;
    if (credit <= 0) return;
    this.#uncredited = held;
    this.downstream.credit(credit);
  }
}
