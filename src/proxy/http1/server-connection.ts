import { GatewayCount, limitIndex } from '../../metrics/catalog.ts';
import { grpcStatus } from '../../protocol/grpc/status.ts';
import { bodyRule, requestBody } from '../../protocol/http1/body-rule.ts';
import { chunkResult } from '../../protocol/http1/chunks.ts';
import { headResult } from '../../protocol/http1/field-section.ts';
import { errorCode } from '../../protocol/http2/frames.ts';
import { beginCall } from '../begin-call.ts';
import type { Client } from '../client.ts';
import { ClientFields } from '../client-fields.ts';
import { Connection } from '../connection.ts';
import { Exchange } from '../exchange.ts';
import type { Gateway } from '../gateway.ts';
import { localReply } from '../local-reply.ts';
import { noAuthority, noPath } from '../path-info.ts';
import { requestIdLineBytes, writeRequestIdLine } from '../request-head.ts';
import type { AnswerHead, Downstream } from '../sides.ts';
import type { Transport } from '../transport/transport.ts';
import { AnswerWriter } from './answer-writer.ts';
import { Carry } from './carry.ts';
import { input } from './input.ts';
import { MessageBody } from './message-body.ts';
import { refusal, refuse } from './refusal.ts';

/** A client's HTTP/1.0 or 1.1 connection: one call at a time (RFC 9112 9.3.2: answers come in the order of requests). */
export class Http1ServerConnection extends Connection implements Downstream, Client {
  place = -1;
  readonly gateway: Gateway;
  readonly #fields: ClientFields;
  readonly #onClosed: (connection: Http1ServerConnection) => void;
  readonly #carry = new Carry();
  readonly #answer: AnswerWriter;
  #exchange: Exchange | null = null;
  #input: number = input.head;
  readonly #body: MessageBody;
  /** The connection goes on behind the call under way. */
  #keepAlive = true;
  /** The client waits for 100 (Continue) before it sends the body. */
  #expects = false;
  #answered = false;
  /** Body bytes that nobody wants any more may still come, up to so many; -1 = they are wanted. */
  #dropped = -1;
  /** Request bytes that have not gone on. */
  #uncredited = 0;
  /** Bytes of the answer behind a kernel that takes none. */
  #queued = 0;
  #reading = false;
  #peerEnded = false;
  #requests = 0;
  #draining = false;
  /** When the head that is incomplete began (ms), 0 = none. */
  #headAt = 0;
  #activeAt: number;

  /** @param client the client's IP address. */
  constructor(
    gateway: Gateway,
    transport: Transport,
    client: string,
    listener: string,
    onClosed: (connection: Http1ServerConnection) => void,
  ) {
    super(gateway.loop, (owner) => {
      transport.owner = owner;
      return transport;
    });
    this.gateway = gateway;
    this.#fields = new ClientFields(gateway, transport, client, listener, true);
    this.#onClosed = onClosed;
    this.#activeAt = gateway.loop.now;
    this.#body = new MessageBody(gateway.http1.trailers, (bytes, start, end, fin) =>
      this.#give(bytes, start, end, fin),
    );
    this.#answer = new AnswerWriter(gateway.forms, (bytes, start, end) => this.append(bytes, start, end));
  }

  // ---- what comes in

  protected override onBytes(buffer: Buffer, length: number): void {
    if (this.#input === input.deaf) return;
    this.#activeAt = this.loop.now;
    const carry = this.#carry;
    if (carry.length === 0) return this.#read(buffer, 0, length);
    const readable = carry.pushHead(buffer, length, this.gateway.http1.requests.maxHeadBytes);
    if (readable && this.#input === input.head) this.#readCarry();
  }

  #readCarry(): void {
    const { bytes, length } = this.#carry;
    this.#carry.length = 0;
    this.#read(bytes, 0, length);
    this.#carry.shrink();
  }

  /** Reads `bytes[at, end)`: heads, bodies and pipelined requests, until it ends or has to wait. */
  #read(bytes: Buffer, at: number, end: number): void {
    let from = at;
    this.#reading = true;
    while (from < end) {
      if (this.#input === input.head && !this.blocked) {
        const head = this.gateway.http1.requests;
        this.#fields.renew();
        head.keeps = this.#fields.keeps;
        const result = head.read(bytes, from, end);
        if (result === headResult.incomplete) {
          if (this.#headAt === 0) this.#headAt = this.loop.now;
          break;
        }
        this.#headAt = 0;
        if (result === headResult.refused) {
          this.#refuse(head.status, head.problem);
          break;
        }
        from = head.headEnd;
        this.#begin();
      } else if (this.#input === input.body) {
        from = this.#readBody(bytes, from, end);
      } else break;
      if (this.closed) return;
    }
    this.#reading = false;
    if (this.closed || this.#input === input.deaf) return;
    if (from < end) this.#carry.push(bytes, from, end);
    this.#steer();
  }

  /** Stops reading while nothing more can be used. */
  #steer(): void {
    const full = this.#uncredited > mostUncredited;
    const waits = this.#carry.length > 0 && (this.#input === input.ended || this.blocked);
    if (full || waits) this.pauseReading();
    else this.resumeReading();
  }

  #begin(): void {
    const gateway = this.gateway;
    const head = gateway.http1.requests;
    const fields = this.#fields;
    const authority = fields.authority(head.authority ?? noAuthority);
    this.#finishHead(authority.text);
    const rule = requestBody(head);
    this.#body.begin(rule, head.contentLength);
    const bodiless = rule === bodyRule.none;
    // h2c was withdrawn (RFC 9113 3.1); with a body, nobody could tell where the other protocol begins.
    const upgrade = bodiless && head.upgrade !== 'h2c' ? head.upgrade : '';
    const fin = bodiless && upgrade === '';
    const { arena } = gateway;
    const chunk = arena.current;
    chunk.live++;
    const reserved = fin ? 0 : Math.min(bodyReserve, chunk.bytes.length - head.linesEnd);
    arena.position = head.linesEnd + reserved;
    const { method, path, grpc } = head;
    const exchange = new Exchange(
      gateway,
      this,
      fields.side,
      gateway.read(path ?? noPath),
      authority,
      method,
      grpc,
      head.timeoutMs,
      true,
      head.contentLength,
      upgrade,
      fin,
      chunk,
      head.linesStart,
      head.linesEnd,
      reserved,
    );
    exchange.client = fields.address;
    this.#exchange = exchange;
    this.#keepAlive = head.keepAlive && !this.#draining && !this.gateway.isLastRequest(++this.#requests);
    this.#expects = head.expectContinue && !fin;
    this.#answered = false;
    this.#dropped = -1;
    this.#uncredited = 0;
    this.#answer.begin(method, head.minor);
    this.#input = bodiless ? input.ended : input.body;
    beginCall(exchange, fields.admitted, method === 'CONNECT', null);
  }

  /** Adds what the gateway says itself: x-request-id and the forwarding fields. */
  #finishHead(host: string): void {
    const gateway = this.gateway;
    const head = gateway.http1.requests;
    const forwarded = this.#fields.of(head, host, head.minor === 1 ? '1.1' : '1.0');
    const needed = requestIdLineBytes + forwarded.length;
    if (head.linesEnd + needed > gateway.arena.current.bytes.length) {
      const length = head.linesEnd - head.linesStart;
      gateway.arena.next(head.linesStart, length);
      head.linesStart = 0;
      head.linesEnd = length;
    }
    const target = gateway.arena.current.bytes;
    let to = head.linesEnd;
    if (this.#fields.makesRequestId) to = writeRequestIdLine(target, to, gateway.random);
    target.set(forwarded, to);
    head.linesEnd = to + forwarded.length;
  }

  // ---- the request's body

  /** Reads on in the body; returns the position behind what was read. */
  #readBody(bytes: Buffer, from: number, end: number): number {
    this.#expects = false;
    const body = this.#body;
    const result = body.read(bytes, from, end);
    if (this.closed || this.#input === input.deaf || result === chunkResult.more) return end;
    if (result === chunkResult.refused) {
      this.gateway.metrics.gateway[GatewayCount.PROTOCOL_ERRORS_DOWNSTREAM!]!++;
      this.#keepAlive = false;
      const reply = localReply(400, grpcStatus.internal, 'protocol_error', body.problem);
      if (this.#answered) this.#linger();
      else this.#exchange!.clientBroke(reply);
      return end;
    }
    this.#input = input.ended;
    const { trailers, position } = body;
    if (trailers !== null) this.#exchange?.requestTrailers(trailers, 0, trailers.length);
    this.#requestEnded();
    return position;
  }

  #give(bytes: Buffer, start: number, end: number, fin: boolean): void {
    const length = end - start;
    if (this.#dropped >= 0) {
      this.#dropped += length;
      if (this.#dropped > mostDropped) this.#linger();
      else if (fin) this.#exchange?.requestData(bytes, start, start, true);
      return;
    }
    this.#uncredited += length;
    this.#exchange?.requestData(bytes, start, end, fin);
  }

  #requestEnded(): void {
    if (!this.#answered || this.#input === input.deaf) return;
    this.#exchange?.downstreamDone();
    this.#next();
  }

  credit(bytes: number): void {
    this.#uncredited = Math.max(0, this.#uncredited - bytes);
    if (!this.#reading && this.#input === input.body) this.#steer();
  }

  // ---- the answer

  get queuedBytes(): number {
    return this.#queued;
  }

  sendHead(head: AnswerHead, fin: boolean): void {
    if (this.closed) return;
    this.#activeAt = this.loop.now;
    if (head.status < 200) {
      this.#expects = false;
      this.#answer.info(head);
      return;
    }
    // A client that was not told to go on may or may not send its body: the next request could not be told from it.
    if (this.#expects) this.#keepAlive = false;
    const written = this.#answer.head(head, fin, this.#keepAlive);
    if (written < 0) return this.#unwritable();
    this.#keepAlive = this.#answer.keepAlive;
    if (fin) this.#answerEnded();
  }

  sendSwitch(head: AnswerHead, protocol: string): void {
    if (this.closed) return;
    this.#activeAt = this.loop.now;
    if (this.#answer.switch(head, protocol) < 0) return this.#unwritable();
    // From here on bytes are bytes, both ways, until each side ends.
    this.#keepAlive = false;
    this.#input = input.body;
    this.#body.begin(bodyRule.untilClose, 0);
    if (this.#peerEnded) this.#endTunnel();
    else if (this.#carry.length > 0) this.#readCarry();
    else this.#steer();
  }

  /** The client has sent its last byte of what the connection was switched to. */
  #endTunnel(): void {
    this.#input = input.ended;
    this.#exchange?.requestData(nothing, 0, 0, true);
    this.#requestEnded();
  }

  #unwritable(): void {
    this.gateway.metrics.gateway[GatewayCount.PROTOCOL_ERRORS_UPSTREAM!]!++;
    this.#keepAlive = false;
    const bytes = refusal(502, 'protocol_error', 'the answer has a field that HTTP/1.1 cannot say');
    this.append(bytes, 0, bytes.length);
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.clientGone();
    this.#linger();
  }

  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    if (this.closed || this.#answered) return;
    this.#activeAt = this.loop.now;
    const before = this.backlog;
    this.#answer.data(bytes, start, end, fin);
    if (this.blocked) {
      const more = Math.max(0, this.backlog - before);
      this.#queued += more;
      this.gateway.queued.bytes += more;
    }
    if (fin) this.#answerEnded();
  }

  sendTrailers(block: Buffer, start: number, end: number): void {
    if (this.closed || this.#answered) return;
    this.#answer.trailers(block, start, end);
    this.#answerEnded();
  }

  #answerEnded(): void {
    this.#answered = true;
    const exchange = this.#exchange;
    exchange?.answered();
    if (this.#input === input.ended) this.#next();
    else if (this.#body.rule === bodyRule.untilClose) this.endAfterFlush(true);
    // Nobody said that the body is wanted, or the connection ends anyway.
    else if (this.#input === input.body && !this.#keepAlive) this.#linger();
  }

  /** The call is over in both directions: the next one, or the end. */
  #next(): void {
    this.#exchange = null;
    if (!this.#keepAlive || this.#draining || this.#peerEnded) return this.#linger();
    this.#input = input.head;
    // Whatever the last request had not got back: nobody gives credit for it any more.
    this.#uncredited = 0;
    this.#activeAt = this.loop.now;
    if (this.#reading) return;
    if (this.#carry.length > 0 && !this.blocked) this.#readCarry();
    else this.#steer();
  }

  reset(code: number): void {
    if (this.closed) return;
    if (code === errorCode.noError && this.#answered) {
      // What is left of the request is read over, as far as it is small: cheaper than a new connection.
      if (this.#input !== input.body) return;
      if (!this.#keepAlive || this.#body.left > mostDropped) this.#linger();
      else {
        this.#dropped = 0;
        this.#uncredited = 0;
        if (!this.#reading) this.#steer();
      }
      return;
    }
    // The answer is cut: a connection that ends is the one way to say so (RFC 9112 8). What came in the same turn goes out
    // before: an upstream of HTTP/2 may send a WebSocket's last frame and its reset together.
    this.flush();
    if (this.closed) return;
    this.gateway.metrics.gateway[GatewayCount.RESETS_BY_GATEWAY!]!++;
    this.#exchange = null;
    this.#drop();
  }

  /** A message that cannot be trusted: it is answered, and nothing behind it is read. */
  #refuse(status: number, problem: string): void {
    const bytes = refuse(this.gateway, status, problem);
    this.append(bytes, 0, bytes.length);
    this.#linger();
  }

  // ---- the end

  // Closes when everything is written: FIN, and the client's bytes go nowhere until it closes too, because a reset in
  // answer to them could take away what it has not read yet (RFC 9112 9.6).
  #linger(): void {
    if (this.#input === input.deaf || this.closed) return;
    this.#input = input.deaf;
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.downstreamDone();
    this.#carry.clear();
    this.resumeReading();
    this.endAfterFlush();
  }

  protected override onInputEnded(): void {
    if (this.closed || this.#input === input.deaf) return;
    this.#peerEnded = true;
    if (this.#input === input.ended && this.#carry.length === 0) return;
    if (this.#input === input.body && this.#body.rule === bodyRule.untilClose) return this.#endTunnel();
    if (this.#input === input.body) {
      const exchange = this.#exchange;
      this.#exchange = null;
      exchange?.clientGone();
    }
    if (this.#input === input.ended) return;
    this.#input = input.deaf;
    this.endAfterFlush();
  }

  protected override onWritable(): void {
    this.gateway.queued.bytes -= this.#queued;
    this.#queued = 0;
    this.#activeAt = this.loop.now;
    this.#exchange?.settleAnswerCredit();
    if (this.#input === input.head && this.#carry.length > 0) this.#readCarry();
    else if (this.#input !== input.deaf) this.#steer();
  }

  protected override onTransportClosed(): void {
    if (this.closed) return;
    this.release();
    this.gateway.queued.bytes -= this.#queued;
    this.#queued = 0;
    const counts = this.gateway.metrics.gateway;
    counts[GatewayCount.DOWNSTREAM_CLOSED!]!++;
    counts[GatewayCount.DOWNSTREAM_BYTES_IN!]! += this.bytesIn;
    counts[GatewayCount.DOWNSTREAM_BYTES_OUT!]! += this.bytesOut;
    this.#input = input.deaf;
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.clientGone();
    this.#onClosed(this);
  }

  protected override onFault(error: Error): void {
    this.gateway.environment.onFault(error);
    this.#drop();
  }

  #drop(): void {
    this.onTransportClosed();
    this.transport.destroy();
  }

  // ---- the data plane looks after it

  sweep(now: number): void {
    const { limits, metrics } = this.gateway;
    if (this.blocked && now - this.blockedSince > limits.stalled_connection) {
      metrics.gateway[limitIndex.stalled_connection!]!++;
      this.#drop();
    } else if (this.#input === input.head) {
      if (this.#headAt > 0) {
        if (now - this.#headAt <= limits.head_timeout) return;
        metrics.gateway[limitIndex.head_timeout!]!++;
        const bytes = refusal(408, 'limit', 'the head of the request did not come in time');
        this.append(bytes, 0, bytes.length);
        this.#linger();
      } else if (now - this.#activeAt > limits.idle_timeout) {
        metrics.gateway[limitIndex.idle_timeout!]!++;
        this.#linger();
      }
    } else if (this.#exchange !== null) this.#sweepCall(this.#exchange, now - this.#activeAt);
  }

  /** gRPC may be silent for hours, unless nobody could hear whether the client is still there. */
  #sweepCall(exchange: Exchange, silentMs: number): void {
    const { limits } = this.gateway;
    const owed = this.#input === input.body && this.#uncredited <= mostUncredited && exchange.awaitsBody;
    if (owed && silentMs > limits.body_timeout) {
      this.#keepAlive = false;
      exchange.bodyStalled();
    } else if (silentMs > limits.stream_idle_timeout) {
      if (this.#answered) this.#linger();
      else if (!exchange.grpc || this.#peerEnded) exchange.idle();
    }
  }

  drain(): void {
    this.#draining = true;
    if (this.#input === input.head && this.#headAt === 0 && this.#carry.length === 0) this.#linger();
    else this.#keepAlive = false;
  }

  shed(): void {
    if (this.#queued === 0) return;
    this.gateway.metrics.gateway[limitIndex.queued_bytes!]!++;
    this.#drop();
  }
}

/** Room behind each head for the beginning of its body, so that a small one needs no memory of its own. */
const bodyReserve = 512;
/** Request bytes that are under way before the client is stopped. */
const mostUncredited = 32_768;
/** Of a body that nobody wants. */
const mostDropped = 262_144;
const nothing = Buffer.alloc(0);
