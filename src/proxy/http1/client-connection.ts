import { GatewayCount } from '../../metrics/catalog.ts';
import { bodyRule, responseBody } from '../../protocol/http1/body-rule.ts';
import { chunkResult } from '../../protocol/http1/chunks.ts';
import { headResult } from '../../protocol/http1/field-section.ts';
import { isIdempotent } from '../../protocol/http1/methods.ts';
import { errorCode } from '../../protocol/http2/frames.ts';
import { Connection } from '../connection.ts';
import type { Exchange } from '../exchange.ts';
import type { Gateway } from '../gateway.ts';
import { writeDateLine } from '../http-date.ts';
import type { AnswerHead, OutgoingHead, Upstream, UpstreamConnection } from '../sides.ts';
import type { SecureDial } from '../tls/upstream-contexts.ts';
import { connectTransport } from '../transport/open.ts';
import { upgradeLines } from './answer-writer.ts';
import { Carry } from './carry.ts';
import { appendChunk, appendTrailers } from './chunked.ts';
import { MessageBody } from './message-body.ts';

/** What a connection tells its pool. */
export interface Http1ConnectionEvents {
  /** It stands. */
  onConnected(): void;
  /** It stands, or its call is over: it can take one. */
  onIdle(connection: Http1ClientConnection): void;
  /** It takes no more calls. `failed`: it never stood; `why`: an error code or words. */
  onGone(connection: Http1ClientConnection, failed: boolean, why: string): void;
}

/** A connection to an endpoint that speaks HTTP/1.1: one call at a time. */
export class Http1ClientConnection extends Connection implements UpstreamConnection, Upstream {
  readonly gateway: Gateway;
  /** It has had a call: the upstream may be closing it. */
  hasServed = false;
  /** When it was left idle last (ms). */
  idleSince = 0;
  /** For how long the upstream keeps it when it is idle, in ms (Keep-Alive: timeout); infinite when it did not say. */
  keptMs: number = Number.POSITIVE_INFINITY;
  readonly #events: Http1ConnectionEvents;
  readonly #carry = new Carry();
  readonly #append = (bytes: Buffer, start: number, end: number): void => this.append(bytes, start, end);
  readonly #answer: Answer = { status: 0, lines: true, bytes: nothing, length: 0, contentLength: -1 };
  #exchange: Exchange | null = null;
  /** A call is under way on it, whether or not anybody waits for its end. */
  #busy = false;
  #stands = false;
  #gone = false;
  #retired = false;
  #connectTimer: NodeJS.Timeout | null;
  #calls = 0;
  #sentBefore = 0;
  // The request.
  #requestEnded = false;
  #chunkedRequest = false;
  /** The protocol that the call asks to go on in, or ''. */
  #upgrade = '';
  // The answer.
  #begun = false;
  #headRead = false;
  #answerEnded = false;
  #keepAlive = false;
  readonly #body: MessageBody;
  /** Bytes are being read: whoever comes next has to wait until it is known that none are left over. */
  #reading = false;
  #uncredited = 0;

  /** Connects at once. */
  constructor(
    gateway: Gateway,
    address: string,
    port: number,
    secure: SecureDial | null,
    connectTimeoutMs: number,
    events: Http1ConnectionEvents,
  ) {
    super(gateway.loop, (owner) => connectTransport(address, port, secure, 'http/1.1', gateway.loop, owner));
    this.gateway = gateway;
    this.#events = events;
    this.#body = new MessageBody(gateway.http1.trailers, (bytes, start, end, fin) =>
      this.#give(bytes, start, end, fin),
    );
    gateway.metrics.gateway[GatewayCount.UPSTREAM_OPENED!]!++;
    this.#connectTimer = setTimeout(() => this.#lost('connect timeout'), connectTimeoutMs);
  }

  override onConnected(): void {
    if (this.closed) return;
    this.loop.tick();
    this.#stands = true;
    this.idleSince = this.loop.now;
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer);
    this.#connectTimer = null;
    this.#events.onConnected();
    this.#events.onIdle(this);
  }

  get takesUpgrades(): boolean {
    return true;
  }

  /** It stands, and nobody uses it. */
  get isUsable(): boolean {
    return this.#stands && !this.#busy && !this.#gone;
  }

  // ---- the request

  /** The call that it carries; null between two. */
  get exchange(): Exchange | null {
    return this.#exchange;
  }

  open(exchange: Exchange, head: OutgoingHead): Upstream {
    this.#exchange = exchange;
    this.#busy = true;
    this.#calls++;
    this.#sentBefore = this.bytesOut;
    this.#begun = false;
    this.#headRead = false;
    this.#answerEnded = false;
    this.#uncredited = 0;
    // A request for an upgrade has no body; what is sent behind a 101 is no part of it.
    this.#requestEnded = head.fin || head.upgrade !== '';
    this.#chunkedRequest = false;
    this.#upgrade = head.upgrade;
    this.append(head.line, 0, head.line.length);
    this.append(head.bytes, head.start, head.end);
    if (head.upgrade !== '') {
      this.#piece(upgradeLines(head.upgrade));
      return this;
    }
    if (head.contentLength >= 0)
      this.#piece(Buffer.from(`content-length: ${head.contentLength}\r\n`, 'latin1'));
    else if (!head.fin) {
      this.#chunkedRequest = true;
      this.#piece(chunkedLine);
    } else if (expectsBody(exchange.method)) this.#piece(noBodyLine);
    this.#piece(emptyLine);
    return this;
  }

  /** Bytes of the request that the upstream has not taken yet. */
  get queuedBytes(): number {
    return this.blocked ? this.backlog : 0;
  }

  get mayReturn(): boolean {
    return this.bytesOut === this.#sentBefore || isIdempotent(this.#exchange?.method ?? '');
  }

  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    if (this.#requestEnded || this.closed) return;
    if (this.#chunkedRequest) appendChunk(this.#append, bytes, start, end, fin);
    else this.append(bytes, start, end);
    if (fin) this.#endRequest();
  }

  sendTrailers(block: Buffer, start: number, end: number): void {
    if (this.#requestEnded || this.closed) return;
    if (this.#chunkedRequest) appendTrailers(this.#append, block, start, end);
    this.#endRequest();
  }

  #endRequest(): void {
    this.#requestEnded = true;
    if (this.#answer.status === 101) this.endAfterFlush(true);
    if (this.#answerEnded) this.#over();
  }

  #piece(bytes: Buffer): void {
    this.append(bytes, 0, bytes.length);
  }

  cancel(_code: number): void {
    this.#exchange = null;
    // HTTP/1.1 has no other way to say that an answer is not wanted.
    if (this.#busy && !(this.#requestEnded && this.#answerEnded)) this.#lost('cancelled');
  }

  credit(bytes: number): void {
    this.#uncredited = Math.max(0, this.#uncredited - bytes);
    if (this.#uncredited <= mostUncredited) this.resumeReading();
  }

  protected override onWritable(): void {
    this.#exchange?.settleRequestCredit();
  }

  // ---- the answer

  protected override onBytes(buffer: Buffer, length: number): void {
    if (!this.#busy || this.#answerEnded) {
      // An answer that nobody asked for; many servers say 408 before they close an idle connection.
      return this.#lost('bytes without a request');
    }
    this.#begun = true;
    const carry = this.#carry;
    if (carry.length === 0) return this.#read(buffer, length);
    if (!carry.pushHead(buffer, length, this.gateway.limits.header_list_bytes)) return;
    const { bytes, length: all } = carry;
    carry.length = 0;
    this.#read(bytes, all);
    carry.shrink();
  }

  #read(bytes: Buffer, length: number): void {
    this.#reading = true;
    const from = this.#readMessages(bytes, length);
    this.#reading = false;
    if (this.closed || this.#gone) return;
    if (from < length && (!this.#busy || this.#answerEnded)) return this.#lost('bytes behind the answer');
    if (!this.#busy) this.#idle();
  }

  /** Reads until the answer ends; returns how far. */
  #readMessages(bytes: Buffer, length: number): number {
    let from = 0;
    while (from < length && this.#busy && !this.#answerEnded && !this.closed) {
      if (this.#headRead) {
        from = this.#readBody(bytes, from, length);
        continue;
      }
      const head = this.gateway.http1.responses;
      const result = head.read(bytes, from, length);
      if (result === headResult.incomplete) {
        this.#carry.push(bytes, from, length);
        return length;
      }
      if (result === headResult.refused) {
        this.#broken(`a faulty head: ${head.problem}`);
        return length;
      }
      from = head.headEnd;
      this.#takeHead();
    }
    return from;
  }

  #takeHead(): void {
    const head = this.gateway.http1.responses;
    const exchange = this.#exchange!;
    const answer = this.#answer;
    answer.status = head.status;
    answer.bytes = head.lines;
    answer.length = head.linesEnd;
    answer.contentLength = head.contentLength;
    if (head.status === 101) return this.#switch(head.upgrade);
    if (head.status < 200) {
      exchange.responseInfo(answer);
      return;
    }
    this.#headRead = true;
    if (!head.dated) answer.length = writeDateLine(head.lines, head.linesEnd);
    const rule = responseBody(exchange.method, head.status, head);
    this.#body.begin(rule, head.contentLength);
    this.#keepAlive = head.keepAlive && rule !== bodyRule.untilClose;
    this.keptMs = head.keepAliveTimeout < 0 ? Number.POSITIVE_INFINITY : head.keepAliveTimeout * 1000;
    const fin = rule === bodyRule.none;
    if (fin) this.#answerEnded = true;
    exchange.responseHead(answer, head.grpcStatus, fin);
    if (fin) this.#closeIfEnded();
  }

  #switch(protocol: string): void {
    if (this.#upgrade === '' || protocol !== this.#upgrade) {
      return this.#broken('101 (Switching Protocols) to what it was not asked for');
    }
    this.#headRead = true;
    this.#keepAlive = false;
    this.#body.begin(bodyRule.untilClose, 0);
    this.#requestEnded = false;
    this.#exchange!.responseHead(this.#answer, -1, false);
  }

  /** Reads on in the body; returns the position behind what was read. */
  #readBody(bytes: Buffer, from: number, end: number): number {
    const body = this.#body;
    const result = body.read(bytes, from, end);
    if (!this.#busy || this.closed || result === chunkResult.more) return body.position;
    if (result === chunkResult.refused) {
      this.#broken(body.problem);
      return end;
    }
    if (body.trailers !== null) {
      this.#answerEnded = true;
      const block = this.gateway.responses.read(body.trailers, 0, body.trailers.length);
      this.#exchange?.responseTrailers(block.bytes, block.length, block.grpcStatus);
      this.#closeIfEnded();
    }
    return body.position;
  }

  #give(bytes: Buffer, start: number, end: number, fin: boolean): void {
    this.#uncredited += end - start;
    if (fin) this.#answerEnded = true;
    this.#exchange?.responseData(bytes, start, end, fin);
    if (fin) return this.#closeIfEnded();
    if (this.#uncredited > mostUncredited) this.pauseReading();
    const { queued, limits } = this.gateway;
    if (queued.bytes > limits.queued_bytes) this.gateway.shed();
  }

  /** The answer is complete; so is the call when the request is. */
  #closeIfEnded(): void {
    if (this.#requestEnded) this.#over();
    else if (this.#answer.status !== 101 && !this.#keepAlive) {
      // It closes, so it wants no more of the request (what NO_ERROR says in HTTP/2, RFC 9113 8.1).
      const exchange = this.#exchange;
      this.#exchange = null;
      this.#lost('closed by the upstream');
      exchange?.upstreamReset(errorCode.noError, true, this);
    }
  }

  #over(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#busy = false;
    exchange?.upstreamDone();
    this.resumeReading();
    if (this.closed) return;
    if (!this.#keepAlive || this.#retired) return this.#lost('');
    if (!this.#reading) this.#idle();
  }

  #idle(): void {
    this.hasServed = true;
    this.idleSince = this.loop.now;
    this.#events.onIdle(this);
  }

  #broken(what: string): void {
    this.gateway.metrics.gateway[GatewayCount.PROTOCOL_ERRORS_UPSTREAM!]!++;
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#lost(what);
    exchange?.upstreamBroken(what);
  }

  // ---- the end

  protected override onInputEnded(): void {
    if (this.closed) return;
    if (this.#busy && this.#headRead && !this.#answerEnded && this.#body.rule === bodyRule.untilClose) {
      this.#give(nothing, 0, 0, true);
      // Behind a 101 the client may still have something to say.
      if (this.#answer.status !== 101 && !this.closed) this.#lost('');
      return;
    }
    this.#lost('closed by the upstream');
  }

  protected override onTransportClosed(reason: string): void {
    this.#lost(reason);
  }

  protected override onFault(error: Error): void {
    this.gateway.environment.onFault(error);
    this.#lost('a fault of the gateway');
  }

  #lost(why: string): void {
    if (this.#gone) return;
    this.#gone = true;
    const unsent = this.bytesOut === this.#sentBefore;
    this.release();
    this.transport.destroy();
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer);
    const counts = this.gateway.metrics.gateway;
    counts[GatewayCount.UPSTREAM_CLOSED!]!++;
    if (!this.#stands) counts[GatewayCount.UPSTREAM_FAILED!]!++;
    counts[GatewayCount.UPSTREAM_BYTES_IN!]! += this.bytesIn;
    counts[GatewayCount.UPSTREAM_BYTES_OUT!]! += this.bytesOut;
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#busy = false;
    this.#events.onGone(this, !this.#stands, why);
    if (exchange === null) return;
    if (this.#answerEnded) exchange.upstreamReset(errorCode.noError, true, this);
    else if (this.#begun || this.#calls === 1) exchange.upstreamClosed(why);
    else exchange.connectionWasStale(this, why, unsent);
  }

  /** Closes it as soon as its call is over. */
  retire(): void {
    this.#retired = true;
    if (!this.#busy) this.#lost('no longer used');
  }

  override destroy(): void {
    this.#lost('closed');
  }

  /** Once a second: a connection that takes no byte of what waits for it. */
  sweep(now: number): void {
    if (this.blocked && now - this.blockedSince > this.gateway.limits.stalled_connection) {
      this.#lost('it takes no more bytes');
    }
  }
}

/** The head that is handed to the exchange. */
type Answer = { -readonly [K in keyof AnswerHead]: AnswerHead[K] };

/** RFC 9110 8.6: methods for which a missing body is said. */
function expectsBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

const nothing = Buffer.alloc(0);
const chunkedLine = Buffer.from('transfer-encoding: chunked\r\n', 'latin1');
const noBodyLine = Buffer.from('content-length: 0\r\n', 'latin1');
const emptyLine = Buffer.from('\r\n', 'latin1');
/** Bytes of the answer that are under way to the client before the upstream is stopped. */
const mostUncredited = 32_768;
