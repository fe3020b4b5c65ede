import { GatewayCount, limitIndex } from '../../metrics/catalog.ts';
import { grpcStatus } from '../../protocol/grpc/status.ts';
import { decoded } from '../../protocol/hpack/decoder-shared.ts';
import { RequestDecoder } from '../../protocol/hpack/request-decoder.ts';
import { errorCode, frameFlag, maxWindow, setting } from '../../protocol/http2/frames.ts';
import { isCompleteRequest } from '../../protocol/http2/request-rules.ts';
import { beginCall } from '../begin-call.ts';
import type { Client } from '../client.ts';
import { ClientFields } from '../client-fields.ts';
import { Exchange } from '../exchange.ts';
import type { Gateway } from '../gateway.ts';
import { localReply } from '../local-reply.ts';
import { type AuthorityInfo, noAuthority, noPath, type PathInfo } from '../path-info.ts';
import { RateBucket } from '../rate-bucket.ts';
import { requestIdBytes, writeRequestId } from '../request-head.ts';
import type { Transport } from '../transport/transport.ts';
import { Http2Connection } from './connection.ts';
import { ServerStream } from './server-stream.ts';
import { type SendingConnection, streamWindow } from './stream.ts';
import { StreamTable } from './stream-table.ts';
import { pumpAll, WaitingStreams } from './waiting-streams.ts';

/** Streams that were reset by the gateway and whose last frames may still be on their way. */
const rememberedResets = 256;

/** A client's HTTP/2 connection, from behind its preface on. */
export class ServerConnection extends Http2Connection implements SendingConnection, Client {
  place = -1;
  readonly gateway: Gateway;
  readonly #fields: ClientFields;
  readonly waiting = new WaitingStreams();
  readonly streams = new StreamTable<ServerStream>();
  readonly openedAt: number;
  readonly #decoder: RequestDecoder<PathInfo, AuthorityInfo>;
  readonly #onClosed: (connection: ServerConnection) => void;
  #lastStream = 0;
  #resets: RateBucket | null = null;
  #resetByUs: Set<number> | null = null;
  #tableClosed = false;
  #peerEnded = false;
  #requests = 0;
  #draining = false;
  #sweptAt = 0;
  #lastAccepted = maxWindow;
  #onPong: (() => void) | null = null;

  /** @param client the client's IP address. */
  constructor(
    gateway: Gateway,
    transport: Transport,
    client: string,
    listener: string,
    onClosed: (connection: ServerConnection) => void,
  ) {
    super(gateway.environment, (owner) => {
      transport.owner = owner;
      return transport;
    });
    this.gateway = gateway;
    this.#fields = new ClientFields(gateway, transport, client, listener, false);
    this.#onClosed = onClosed;
    this.openedAt = this.activeAt = gateway.loop.now;
    this.#decoder = new RequestDecoder(gateway.decoders, 4096);
    this.sendSettings([
      [setting.maxConcurrentStreams, gateway.limits.concurrent_streams],
      [setting.initialWindowSize, streamWindow],
      [setting.maxHeaderListSize, gateway.limits.header_list_bytes],
      [setting.enableConnectProtocol, 1],
    ]);
    this.openWindow();
  }

  get queued(): { bytes: number } {
    return this.gateway.queued;
  }

  /** The connection's SETTINGS are there. */
  get isReady(): boolean {
    return this.settingsReceived;
  }

  // ---- heads

  protected override onHeaders(id: number, flags: number, block: Buffer, start: number, end: number): void {
    this.useful();
    const fin = (flags & frameFlag.endStream) !== 0;
    const stream = this.streams.get(id);
    const known = stream !== undefined;
    if (!known && (id & 1) === 0) {
      return this.connectionError(errorCode.protocolError, 'a stream of an even number from a client');
    }
    if (!known && id <= this.#lastStream && this.#resetByUs?.has(id) !== true) {
      return this.connectionError(errorCode.streamClosed, 'HEADERS on a closed stream');
    }
    const decoder = this.#decoder;
    this.#fields.renew();
    decoder.keeps = this.#fields.keeps;
    const result = decoder.decode(block, start, end, known);
    if (result === decoded.broken) {
      return this.connectionError(errorCode.compressionError, 'a header block that cannot be decoded');
    }
    if (result === decoded.tooMuchWork)
      return this.calm('hpack_work', 'a header block that grows without end');
    if (known) return this.#trailers(stream, fin, result);
    if (id <= this.#lastStream) return;
    this.#lastStream = id;
    if (id > this.#lastAccepted) return this.#refuse(id);
    if (this.streams.size >= this.gateway.limits.concurrent_streams) {
      this.gateway.metrics.gateway[limitIndex.concurrent_streams!]!++;
      this.nuisance();
      return this.#refuse(id);
    }
    this.#begin(id, fin, result);
  }

  #refuse(id: number): void {
    if (this.closed) return;
    this.#remember(id);
    this.sendReset(id, errorCode.refusedStream);
  }

  #begin(id: number, fin: boolean, result: number): void {
    const decoder = this.#decoder;
    const gateway = this.gateway;
    const selfDependent = this.takeSelfDependency();
    if (result === decoded.malformed || selfDependent || !isCompleteRequest(decoder, fin))
      return this.#malformed(id);
    const fields = this.#fields;
    const authority = fields.authority(decoder.authority ?? decoder.host ?? noAuthority);
    const path = gateway.read(decoder.path ?? noPath);
    const { protocol } = decoder;
    const stream = new ServerStream(this, id, fin ? -1 : decoder.contentLength);
    stream.remoteEnded = fin;
    this.streams.add(stream);
    const tooLarge = result === decoded.tooLarge;
    if (!tooLarge) this.#finishHead(authority.text);
    const arena = gateway.arena;
    const chunk = arena.current;
    chunk.live++;
    const reserved = fin ? 0 : Math.min(bodyReserve, arena.current.bytes.length - decoder.plainEnd);
    arena.position = decoder.plainEnd + reserved;
    const exchange = new Exchange(
      gateway,
      stream,
      fields.side,
      path,
      authority,
      // An extended CONNECT is what HTTP/1.1 asks for with GET and Upgrade: routes see one and the same.
      protocol === '' ? decoder.method : 'GET',
      decoder.grpc,
      decoder.timeoutMs,
      false,
      decoder.contentLength,
      protocol.toLowerCase(),
      fin,
      chunk,
      decoder.plainStart,
      decoder.plainEnd,
      reserved,
    );
    exchange.client = fields.address;
    stream.exchange = exchange;
    if (gateway.isLastRequest(++this.#requests)) this.drain();
    if (tooLarge) this.#tooLarge(exchange);
    else {
      const connects = decoder.method === 'CONNECT' && protocol === '';
      beginCall(exchange, fields.admitted, connects, gateway.decoders.marks);
    }
  }

  /** Adds what the gateway says itself: x-request-id and the forwarding fields. */
  #finishHead(host: string): void {
    const decoder = this.#decoder;
    const gateway = this.gateway;
    const forwarded = this.#fields.of(decoder, host, '2');
    const needed = requestIdBytes + forwarded.length;
    if (decoder.plainEnd + needed > gateway.arena.current.bytes.length) {
      const length = decoder.plainEnd - decoder.plainStart;
      gateway.arena.next(decoder.plainStart, length);
      decoder.plainStart = 0;
      decoder.plainEnd = length;
    }
    const target = gateway.arena.current.bytes;
    let to = decoder.plainEnd;
    if (this.#fields.makesRequestId) to = writeRequestId(target, to, gateway.random);
    target.set(forwarded, to);
    decoder.plainEnd = to + forwarded.length;
  }

  #tooLarge(exchange: Exchange): void {
    const decoder = this.#decoder;
    const many = decoder.fields > this.gateway.limits.header_fields;
    this.gateway.metrics.gateway[many ? limitIndex.header_fields! : limitIndex.header_list_bytes!]!++;
    const message = many
      ? `the head has ${decoder.fields} fields, more than ${this.gateway.limits.header_fields}`
      : `the head has ${decoder.listBytes} bytes, more than ${this.gateway.limits.header_list_bytes}`;
    exchange.fail(localReply(431, grpcStatus.resourceExhausted, 'limit', message));
  }

  #malformed(id: number): void {
    this.countProtocolError();
    this.nuisance();
    if (this.closed) return;
    this.#remember(id);
    this.sendReset(id, errorCode.protocolError);
  }

  #trailers(stream: ServerStream, fin: boolean, result: number): void {
    const decoder = this.#decoder;
    if (stream.remoteEnded) return this.streamError(stream.id, errorCode.streamClosed);
    if (!fin || result !== decoded.ok || stream.promised > 0) {
      return this.streamError(stream.id, errorCode.protocolError);
    }
    stream.remoteEnded = true;
    const bytes = this.gateway.arena.current.bytes;
    stream.exchange?.requestTrailers(bytes, decoder.plainStart, decoder.plainEnd);
    stream.closeIfEnded();
  }

  // ---- the other frames

  protected override onData(
    id: number,
    fin: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    flow: number,
  ): void {
    this.useful();
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.#resetByUs?.has(id) === true) return;
      return this.connectionError(errorCode.streamClosed, 'DATA on a closed stream');
    }
    if (stream.remoteEnded) return this.streamError(id, errorCode.streamClosed);
    stream.receiveWindow -= flow;
    if (stream.receiveWindow < 0) return this.streamError(id, errorCode.flowControlError);
    if (flow > end - start) stream.credit(flow - (end - start));
    stream.receive(bytes, start, end, fin);
  }

  protected override onReset(id: number, code: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    this.gateway.metrics.gateway[GatewayCount.RESETS_BY_CLIENT!]!++;
    const exchange = stream.exchange;
    stream.remoteEnded = true;
    stream.localEnded = true;
    stream.dropQueue();
    this.#drop(stream);
    exchange?.clientGone();
    if (code !== errorCode.noError) this.nuisance();
  }

  protected override onStreamWindow(id: number, increment: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    stream.sendWindow += increment;
    if (stream.sendWindow > maxWindow) return this.streamError(id, errorCode.flowControlError);
    if (stream.queuedBytes > 0) stream.pump(16);
  }

  protected override onWindow(): void {
    pumpAll(this);
  }

  /** More is queued than the worker may hold: the streams of this connection that wait are ended. */
  shed(): void {
    for (const stream of this.waiting.all()) {
      this.gateway.metrics.gateway[limitIndex.queued_bytes!]!++;
      (stream as ServerStream).fault(errorCode.enhanceYourCalm);
    }
  }

  /** The client opens no more streams; those that it has get their answers (RFC 9113 6.8). */
  protected override onGoaway(): void {
    this.#draining = true;
    this.#closeIfDone();
  }

  protected override onPingAck(): void {
    const onPong = this.#onPong;
    this.#onPong = null;
    onPong?.();
  }

  protected override onSettings(): void {}

  protected override isIdle(id: number): boolean {
    return (id & 1) === 0 || id > this.#lastStream;
  }

  protected override lastPeerStream(): number {
    return this.#lastStream;
  }

  protected override countProtocolError(): void {
    this.gateway.metrics.gateway[GatewayCount.PROTOCOL_ERRORS_DOWNSTREAM!]!++;
  }

  protected override streamError(id: number, code: number): void {
    this.countProtocolError();
    const stream = this.streams.get(id);
    if (stream !== undefined) return stream.fault(code);
    this.nuisance();
    if (this.closed || this.isIdle(id)) {
      // RFC 9113 5.1: an idle stream has no state to reset; PRIORITY alone may name it.
      if (!this.closed) this.connectionError(code, 'a faulty frame on an idle stream');
      return;
    }
    if (this.#resetByUs?.has(id) === true) return;
    this.#remember(id);
    this.sendReset(id, code);
  }

  /** A stream that the client reset, or made the gateway reset (rapid reset, made-you-reset). */
  nuisance(): void {
    this.#resets ??= new RateBucket(this.gateway.limits.resets_per_second);
    if (!this.#resets.take(this.loop.now)) this.calm('resets_per_second', 'too many resets');
  }

  // ---- writing

  /** A head for the client. The first one on a connection closes the dynamic table, which is never used. */
  writeHead(id: number, fin: boolean, block: Buffer, start: number, end: number): void {
    if (this.#tableClosed) return this.writeBlock(id, fin, block, start, end);
    this.#tableClosed = true;
    const first = Buffer.concat([tableOfNothing, block.subarray(start, end)]);
    this.writeBlock(id, fin, first, 0, first.length);
  }

  // ---- streams and the connection's end

  /** The stream has ended in both directions. */
  remove(stream: ServerStream): void {
    this.#resets?.refund(1);
    this.#drop(stream);
  }

  /** The stream was reset by the gateway: frames that are still on their way are ignored. */
  forget(stream: ServerStream): void {
    this.gateway.metrics.gateway[GatewayCount.RESETS_BY_GATEWAY!]!++;
    this.#remember(stream.id);
    this.#drop(stream);
  }

  #drop(stream: ServerStream): void {
    this.streams.delete(stream.id);
    this.activeAt = this.loop.now;
    if (this.streams.size === 0) this.#closeIfDone();
  }

  #remember(id: number): void {
    this.#resetByUs ??= new Set();
    this.#resetByUs.add(id);
    if (this.#resetByUs.size <= rememberedResets) return;
    for (const oldest of this.#resetByUs) {
      this.#resetByUs.delete(oldest);
      break;
    }
  }

  #closeIfDone(): void {
    if (this.streams.size === 0 && (this.#draining || this.#peerEnded)) this.endAfterFlush();
  }

  protected override onInputEnded(): void {
    if (this.closed) return;
    this.#peerEnded = true;
    for (const stream of this.streams.all()) {
      if (stream.remoteEnded) continue;
      stream.localEnded = true;
      stream.dropQueue();
      this.streams.delete(stream.id);
      stream.exchange?.clientGone();
    }
    this.#closeIfDone();
  }

  protected override onTransportClosed(): void {
    if (this.closed) return;
    this.release();
    const counts = this.gateway.metrics.gateway;
    counts[GatewayCount.DOWNSTREAM_CLOSED!]!++;
    counts[GatewayCount.DOWNSTREAM_BYTES_IN!]! += this.bytesIn;
    counts[GatewayCount.DOWNSTREAM_BYTES_OUT!]! += this.bytesOut;
    for (const stream of this.streams.all()) {
      stream.localEnded = true;
      stream.dropQueue();
      stream.exchange?.clientGone();
    }
    this.streams.clear();
    this.waiting.clear();
    this.#onClosed(this);
  }

  /**
   * Graceful end (RFC 9113 6.8): GOAWAY with the largest number, and after a round trip another with the last
   * stream that is served; the connection closes with its last stream.
   */
  drain(): void {
    if (this.closed || this.#draining) return;
    this.#draining = true;
    if (!this.isReady) return this.endAfterFlush();
    this.sendGoaway(maxWindow, errorCode.noError, 'shutting down');
    this.sendPing();
    const timer = setTimeout(() => this.#onPong?.(), 1000);
    this.#onPong = () => {
      clearTimeout(timer);
      this.#onPong = null;
      if (this.closed) return;
      this.#lastAccepted = this.#lastStream;
      this.sendGoaway(this.#lastStream, errorCode.noError, 'shutting down');
      this.#closeIfDone();
    };
  }

  /** Once a second: connections that never begin, that idle, and that stall. */
  sweep(now: number): void {
    const { limits } = this.gateway;
    if (!this.settingsReceived && now - this.openedAt > limits.preface_timeout) {
      return this.#expire('preface_timeout', 'no preface and SETTINGS in time');
    }
    if (this.blocked && now - this.blockedSince > limits.stalled_connection) {
      this.gateway.metrics.gateway[limitIndex.stalled_connection!]!++;
      this.onTransportClosed();
      this.transport.destroy();
      return;
    }
    if (this.headStartedAt > 0 && now - this.headStartedAt > limits.stalled_connection) {
      return this.#expire('stalled_connection', 'a header block that does not end');
    }
    if (this.streams.size === 0 && now - this.activeAt > limits.idle_timeout) {
      return this.#expire('idle_timeout', 'idle for too long');
    }
    if (this.#peerEnded && !this.blocked) this.#endStranded();
    const every = Math.min(sweepStreamsMs, limits.body_timeout, limits.stream_idle_timeout);
    if (now - this.#sweptAt < every) return;
    this.#sweptAt = now;
    for (const stream of this.streams.all()) stream.sweep(now);
    // Who has really gone is met by writing alone: its kernel answers the first frame with a reset, and the next one fails. A
    // PING would be one that a client which only has ended had to answer.
    if (this.#peerEnded && !this.blocked && !this.closed) this.sendWindowUpdate(0, 1);
  }

  /** A client that has sent its last byte opens no window any more: what the present ones hold back never goes. */
  #endStranded(): void {
    for (const stream of this.waiting.all()) (stream as ServerStream).strand();
  }

  #expire(limit: 'preface_timeout' | 'stalled_connection' | 'idle_timeout', why: string): void {
    this.gateway.metrics.gateway[limitIndex[limit]!]!++;
    this.connectionError(errorCode.noError, why);
  }
}

/** Room behind each head for the beginning of its body, so that a small one needs no memory of its own. */
const bodyReserve = 512;
/** How often streams are looked at. */
const sweepStreamsMs = 10_000;
/** A size update to 0 (RFC 7541 6.3). */
const tableOfNothing = Buffer.from([0x20]);
