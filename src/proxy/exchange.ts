import { limitIndex, reasonIndex } from '../metrics/catalog.ts';
import type { HeaderEdits } from '../model/backend.ts';
import { grpcStatus } from '../protocol/grpc/status.ts';
import type { FieldMarks } from '../protocol/hpack/field-marks.ts';
import { isIdempotent } from '../protocol/http1/methods.ts';
import { errorCode } from '../protocol/http2/frames.ts';
import { shapeCall } from './call-shape.ts';
import type { CompressingSide } from './compression/compressing-side.ts';
import { deadlineOf } from './deadline.ts';
import {
  bodyStalledReply,
  deadlineReply,
  faultReply,
  noUpgradeReply,
  silentReply,
  unwritableReply,
  upstreamBrokenReply,
  upstreamClosedReply,
  upstreamResetReply,
} from './failures.ts';
import { GrpcWebSide } from './grpc-web.ts';
import { editAnswer } from './header-edits.ts';
import { life } from './life.ts';
import { grpcReplyHead, grpcTrailersBlock, httpReply, type LocalReply, localReply } from './local-reply.ts';
import { RequestBody } from './request-body.ts';
import { prepareHead } from './request-head.ts';
import type { BackendRuntime, RouteRuntime } from './route-runtime.ts';
import type { EndpointPool, EndpointRuntime } from './service-runtime.ts';
import { withServiceTime } from './service-time.ts';
import type { AnswerHead, OutgoingHead, Upstream, UpstreamConnection } from './sides.ts';
import { agreeOnUpgrade, hasSwitched, switchedHead, wrongAnswer } from './upgrade.ts';

/** Heads of 1xx before the answer: they are sent on whether or not the client reads, and so their number is bounded. */
const mostInfos = 100;
/** Endpoints that are tried for one call. */
const mostAttempts = 3;
/**
 * Those that refuse the connection at once do not count, up to so many: they cost a call some 100 µs each, and in a rolling update a
 * third of a service's endpoints can be ending at one moment, before anybody has been told.
 */
const mostRefusals = 10;

/** One call: routing, drawing, deadline, retries and counting, written once for all protocols. */
export class Exchange extends RequestBody {
  /** What CORS and the Module add to the answer, whoever gives it. */
  answerEdits: HeaderEdits | null = this.gateway.store.listeners.http.answerEdits;
  /** The answer may be compressed. */
  compressor: CompressingSide | null = null;
  /** Sec-WebSocket-Key of the client, or ours where it sent none. */
  key = '';
  route: RouteRuntime | null = null;
  backend: BackendRuntime | null = null;
  endpoint: EndpointRuntime | null = null;
  /** Endpoints that could not be reached for this call. */
  tried: readonly EndpointPool[] = none;
  attempts = 0;
  /** Of these, endpoints that refused the connection at once. */
  #refusals = 0;
  /** Connections that have refused this call: it is sent again on another. */
  refusedBy: readonly UpstreamConnection[] = nowhere;
  diverted = false;

  /** When its head went out (ms). */
  #sentAt = 0;
  /** Heads of 1xx that have come. */
  #infos = 0;
  /** Bytes of the answer for which the upstream has no credit yet. */
  #answerUncredited = 0;

  // ---- from the head to an upstream

  /** Begins: finds the route, draws, and sends or waits. `marks` as the decoder left them; null = none. */
  begin(marks: FieldMarks | null): void {
    const { http } = this.gateway.store.listeners;
    if (http.shapesCalls && !shapeCall(this, http)) return;
    if (!this.gateway.decide(this)) return;
    const { backend } = this.backend!;
    const refused = this.upgrade === '' ? null : agreeOnUpgrade(this, backend);
    if (refused !== null) return this.fail(refused);
    const most = this.gateway.limits.body_bytes;
    if (most > 0) this.mostBody = most;
    if (this.contentLength > this.mostBody) return this.fail(this.bodyTooLong());
    const bridged = !this.grpc && backend.grpcWeb && this.#bridgeGrpcWeb();
    this.limitMs = deadlineOf(this, this.backend!);
    if (this.limitMs > 0) this.gateway.wheel.arm(this, this.startedAt + this.limitMs);
    this.#send(bridged || http.shapesCalls ? null : marks);
  }

  #bridgeGrpcWeb(): boolean {
    const web = GrpcWebSide.of(
      this.downstream,
      this.header('content-type') ?? '',
      this.header('accept') ?? '',
    );
    if (web === null) return false;
    this.web = web;
    this.downstream = web;
    this.becomeGrpc();
    this.contentLength = -1;
    this.replaceHead(web.requestHead(this.chunk!.bytes, this.headStart, this.headEnd, this.lines));
    return true;
  }

  #send(marks: FieldMarks | null): void {
    const service = this.backend!.service;
    if (service.endpoints.length === 0) {
      if (service.state === 'pending') return this.gateway.waitForName(this);
      return this.fail(this.gateway.noEndpoint(this.backend!));
    }
    const endpoint = service.pick(this.gateway.loop.now, this.tried);
    if (endpoint === null) return this.fail(this.gateway.allFailed(this));
    this.endpoint = endpoint;
    this.attempts++;
    this.#marks = marks;
    endpoint.pool.connect(this);
    this.#marks = null;
  }

  #marks: FieldMarks | null = null;

  /** What the call waited for may be there now. */
  resume(): void {
    if (this.state <= life.held) this.#send(null);
  }

  /** The pool has no connection with room: the body stops until there is one. */
  hold(): void {
    this.state = life.held;
  }

  /** A connection for this call. */
  attach(connection: UpstreamConnection): void {
    if (this.state > life.held) return;
    const backend = this.backend!;
    const chunk = this.chunk!;
    const head = this.gateway.outgoing;
    head.bytes = chunk.bytes;
    head.start = this.headStart;
    head.end = this.headEnd;
    head.marks = this.#marks;
    const problem = this.#prepare(backend, head);
    if (problem !== null) return this.fail(problem);
    if (this.upgrade !== '' && !connection.takesUpgrades)
      return this.fail(noUpgradeReply(backend.backend.service));
    const bodyLength = this.bodyEnd - this.headEnd;
    const fin = this.requestEnded && bodyLength === 0 && this.heldBody === null && this.trailers === null;
    this.countSent(backend.series(this.endpoint!.endpoint.version), this.diverted);
    this.state = life.sent;
    this.#sentAt = this.gateway.loop.now;
    head.fin = fin;
    const upstream = connection.open(this, head);
    this.upstream = upstream;
    if (!this.gateway.arena.mayKeep) this.release();
    if (fin) return;
    const last = this.requestEnded && this.trailers === null;
    if (bodyLength > 0) {
      // Even if it was given back above: nothing is written to it before this turn ends.
      upstream.sendData(chunk.bytes, this.headEnd, this.bodyEnd, last && this.heldBody === null);
    }
    if (this.heldBody !== null) this.#sendHeldBody(upstream, last);
    if (this.trailers !== null) upstream.sendTrailers(this.trailers, 0, this.trailers.length);
    this.settleRequestCredit();
  }

  /** A fault of ours while a head is written costs this call, and not what called: a timer, or another's connection. */
  #prepare(backend: BackendRuntime, head: OutgoingHead): LocalReply | null {
    try {
      return prepareHead(this, backend, head) ? null : unwritableReply();
    } catch (error) {
      this.gateway.environment.onFault(error as Error);
      return faultReply();
    }
  }

  #sendHeldBody(upstream: Upstream, last: boolean): void {
    const body = this.heldBody!;
    this.heldBody = null;
    const bytes = Buffer.allocUnsafeSlow(body.length);
    body.take(bytes, 0, bytes.length);
    upstream.sendData(bytes, 0, bytes.length, last);
    this.release();
  }

  /** The endpoint could not be reached; nothing was sent to it. Another is tried. @param refused it refused at once. */
  endpointFailed(why: string, refused: boolean): void {
    if (this.state > life.held) return;
    if (refused && this.#refusals < mostRefusals) this.#refusals++;
    this.problem = why;
    this.#again();
  }

  /**
   * The endpoint is none any more; nothing was sent to it. That is nobody's failure: the call goes to another, and where its backend has
   * none left it is drawn again.
   */
  endpointWithdrawn(): void {
    if (this.state > life.held) return;
    this.attempts--;
    if (this.backend!.service.endpoints.length === 0 && this.upgrade === '' && this.web === null) {
      if (!this.gateway.decide(this)) return;
      this.tried = none;
    }
    this.#send(null);
  }

  /** Leaves an endpoint whose connect takes long for one that is healthy; false when there is none. */
  goElsewhere(): boolean {
    const now = this.gateway.loop.now;
    const tried = [...this.tried, this.endpoint!.pool];
    const other = this.backend!.service.pick(now, tried);
    if (other === null || other.pool.isResting(now)) return false;
    this.tried = tried;
    this.endpoint = other;
    other.pool.connect(this);
    return true;
  }

  /** Why the last endpoint failed. */
  problem = '';

  /** The upstream has not acted on the call (REFUSED_STREAM, above a GOAWAY's last id): safe to send again. */
  refused(by: UpstreamConnection): void {
    if (this.state > life.sent) return this.upstreamClosed('GOAWAY');
    this.upstream = null;
    if (this.chunk === null) {
      return this.fail(localReply(503, grpcStatus.unavailable, 'refused', 'the upstream refused the call'));
    }
    this.state = life.held;
    this.refusedBy = [...this.refusedBy, by];
    this.problem = 'refused';
    this.#again();
  }

  #again(): void {
    const pool = this.endpoint!.pool;
    const { endpoints } = this.backend!.service;
    // Of those that were tried some may be no endpoints any more.
    const others = endpoints.some((other) => other.pool !== pool && !this.tried.includes(other.pool));
    // A refusal is about a connection: with one endpoint the same is tried again, over another connection.
    if (others || this.problem !== 'refused') this.tried = [...this.tried, pool];
    if (this.attempts - this.#refusals >= mostAttempts) return this.fail(this.gateway.allFailed(this));
    this.#send(null);
  }

  // ---- the answer

  #firstByte(): void {
    this.release();
    this.countFirstByte(this.gateway.loop.now);
  }

  /** A 1xx head; the final one follows. */
  responseInfo(head: AnswerHead): void {
    if (++this.#infos > mostInfos) return this.#upstreamWrong(`more than ${mostInfos} heads of 1xx`);
    if (this.state === life.sent) this.#firstByte();
    this.state = life.responding;
    this.downstream.sendHead(head, false);
  }

  /** The head of the answer. @param grpc its grpc-status, -1 = none. */
  responseHead(head: AnswerHead, grpc: number, fin: boolean): void {
    if (this.state === life.sent) this.#firstByte();
    if (this.upgrade !== '' && !this.lines && head.lines) {
      const wrong = wrongAnswer(head, this.upgrade, this.key);
      if (wrong !== null) return this.#upstreamWrong(wrong);
    }
    this.state = life.responding;
    this.status = head.status;
    if (this.upgrade !== '' && this.#takeUpgrade(head)) return;
    if (grpc >= 0) this.grpcCode = grpc;
    else if (this.grpc && fin) this.grpcCode = grpcStatus.unknown;
    const backend = this.backend!;
    const { loop, store } = this.gateway;
    const timed = store.listeners.http.envoyHeaders ? withServiceTime(head, loop.now - this.#sentAt) : head;
    const edited = backend.editsResponse ? editAnswer(backend.backend.responseHeaders, timed) : timed;
    this.downstream.sendHead(this.#withCors(edited), fin);
  }

  #upstreamWrong(what: string): void {
    this.upstream?.cancel(errorCode.cancel);
    this.upstreamBroken(what);
  }

  #withCors(head: AnswerHead): AnswerHead {
    return this.answerEdits === null ? head : editAnswer(this.answerEdits, head);
  }

  /** True when the upstream has switched; else this is an answer as any, and the request ends with its head. */
  #takeUpgrade(head: AnswerHead): boolean {
    const protocol = this.upgrade;
    this.upgrade = '';
    if (!hasSwitched(head)) {
      if (this.lines) this.requestEnded = true;
      this.upstream?.sendData(nothing, 0, 0, true);
      return false;
    }
    this.gateway.wheel.disarm(this);
    this.limitMs = 0;
    this.mostBody = Number.POSITIVE_INFINITY;
    this.downstream.sendSwitch(switchedHead(head, protocol, this.lines, this.key), protocol);
    return true;
  }

  /** Body bytes of the answer. */
  responseData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    this.countOut(bytes, start, end);
    this.#answerUncredited += end - start;
    this.downstream.sendData(bytes, start, end, fin);
    this.settleAnswerCredit();
  }

  /** Trailers of the answer, `block[0, length)`, a plain block. @param grpc their grpc-status, -1 = none. */
  responseTrailers(block: Buffer, length: number, grpc: number): void {
    if (grpc >= 0) this.grpcCode = grpc;
    this.downstream.sendTrailers(block, 0, length);
  }

  /** Gives the upstream credit for what the client's side has taken. */
  settleAnswerCredit(): void {
    const credit = this.#answerUncredited - this.downstream.queuedBytes;
    if (credit <= 0) return;
    this.#answerUncredited -= credit;
    this.upstream?.credit(credit);
  }

  /** The upstream's side has ended: complete answer, and whole request taken. */
  upstreamDone(): void {
    this.upstream = null;
    this.settleRequestCredit();
  }

  /**
   * The upstream has reset the call. NO_ERROR behind a complete answer only says that it wants no more of the
   * request (RFC 9113 8.1): passed on behind what the client has not read yet.
   */
  upstreamReset(code: number, complete: boolean, by: UpstreamConnection): void {
    this.upstream = null;
    if (complete) {
      if (!this.requestEnded) this.downstream.reset(errorCode.noError);
      return;
    }
    if (code === errorCode.refusedStream && this.state === life.sent) return this.refused(by);
    const reply = upstreamResetReply(this.backend!.backend.service, code);
    this.#failWith(reply, code === errorCode.noError ? errorCode.internalError : code);
  }

  /**
   * A connection that had been idle was closed by the upstream, and not a byte of an answer came: the call may be sent
   * again if nothing of it went out, or if twice is as good as once (RFC 9110 9.2.2, RFC 9112 9.3.1).
   */
  connectionWasStale(by: UpstreamConnection, why: string, unsent: boolean): void {
    const again = this.chunk !== null && this.state === life.sent && (unsent || isIdempotent(this.method));
    if (again) this.refused(by);
    else this.upstreamClosed(why);
  }

  /** The connection to the upstream is gone in the middle of the call. */
  upstreamClosed(why: string): void {
    this.upstream = null;
    this.#failWith(upstreamClosedReply(this.backend!.backend.service, why), errorCode.internalError);
  }

  /** The upstream broke the protocol; its stream is already reset. */
  upstreamBroken(why: string): void {
    this.upstream = null;
    this.#failWith(upstreamBrokenReply(this.backend!.backend.service, why), errorCode.internalError);
  }

  // ---- ends

  onTimer(): void {
    this.gateway.loop.tick();
    if (this.state >= life.answered) return;
    const bodyUnderWay = !this.grpc && !this.requestEnded && this.upgrade === '';
    if (bodyUnderWay && this.state >= life.sent) return;
    this.upstream?.cancel(errorCode.cancel);
    this.upstream = null;
    this.#failWith(deadlineReply(this.state === life.held), errorCode.cancel);
  }

  /** Nothing has moved for too long. */
  idle(): void {
    this.gateway.metrics.gateway[limitIndex.stream_idle_timeout!]!++;
    this.upstream?.cancel(errorCode.cancel);
    this.upstream = null;
    this.#failWith(silentReply(), errorCode.cancel);
  }

  /** The client has cancelled the call, or its connection is gone. */
  clientGone(): void {
    if (this.state === life.done) return;
    this.upstream?.cancel(errorCode.cancel);
    this.upstream = null;
    if (this.state < life.answered) {
      if (this.status === 0) this.status = 499;
      if (this.grpc) this.grpcCode = grpcStatus.cancelled;
      this.reason = reasonIndex.cancelled!;
      this.#count();
    }
    this.#end();
  }

  /** The client does not go on with its body. */
  bodyStalled(): void {
    this.gateway.metrics.gateway[limitIndex.body_timeout!]!++;
    this.clientBroke(bodyStalledReply());
  }

  clientBroke(reply: LocalReply): void {
    this.upstream?.cancel(errorCode.cancel);
    this.upstream = null;
    this.#failWith(reply, errorCode.protocolError);
  }

  /** Answers in the gateway's own words, or cuts an answer that has begun. */
  fail(reply: LocalReply): void {
    this.#failWith(reply, errorCode.internalError);
  }

  #failWith(reply: LocalReply, code: number): void {
    if (this.state >= life.answered) {
      // The answer was complete for the client: only the rest of its request goes nowhere.
      if (this.state === life.answered && !this.requestEnded) this.downstream.reset(errorCode.noError);
      return;
    }
    // Behind 1xx the client still waits for an answer.
    const begun = this.state === life.responding && this.status !== 0;
    this.reason = reply.reason;
    if (begun && this.grpc && this.downstream.queuedBytes === 0) {
      this.grpcCode = reply.grpcStatus;
      const block = grpcTrailersBlock(reply);
      this.downstream.sendTrailers(block, 0, block.length);
    } else if (begun) {
      if (this.grpc) this.grpcCode = reply.grpcStatus;
      this.#count();
      this.#end();
      this.downstream.reset(code);
      return;
    } else this.#reply(reply);
    this.release();
    if (!this.requestEnded) this.downstream.reset(errorCode.noError);
  }

  #reply(reply: LocalReply): void {
    this.state = life.responding;
    // The head was all of the request if nobody switches.
    if (this.upgrade !== '' && this.lines) this.requestEnded = true;
    if (this.series === null) this.countSent(this.gateway.seriesOf(this), false);
    if (this.grpc) {
      this.status = 200;
      this.grpcCode = reply.grpcStatus;
      this.downstream.sendHead(this.#withCors(grpcReplyHead(reply)), true);
      return;
    }
    this.status = reply.status;
    const { head, body } = httpReply(reply);
    const bodiless = this.method === 'HEAD';
    this.downstream.sendHead(this.#withCors(head), bodiless);
    if (!bodiless) this.downstream.sendData(body, 0, body.length, true);
  }

  /** The last byte of the answer was written to the client. */
  answered(): void {
    if (this.state >= life.answered) return;
    this.#count();
    this.gateway.wheel.disarm(this);
    this.release();
    if (this.requestEnded) {
      this.#end();
      return;
    }
    this.state = life.answered;
  }

  /** The client's side is over in both directions. */
  downstreamDone(): void {
    if (this.state === life.done) return;
    this.#end();
  }

  #count(): void {
    const elapsed = this.countEnd(this.gateway.loop.now, this.series ?? this.gateway.seriesOf(this));
    this.gateway.logAccess(this, this.status, this.grpcCode, this.reason, elapsed);
  }

  #end(): void {
    this.state = life.done;
    // Harmless where the upstream's side is over already.
    this.upstream?.cancel(errorCode.cancel);
    this.upstream = null;
    this.compressor?.close();
    this.gateway.wheel.disarm(this);
    this.release();
  }
}

const nothing = Buffer.alloc(0);
const none: readonly EndpointPool[] = [];
const nowhere: readonly UpstreamConnection[] = [];
