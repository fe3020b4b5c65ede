import { GatewayCount } from '../../metrics/catalog.ts';
import { EncoderTable } from '../../protocol/hpack/encoder-table.ts';
import {
  defaultMaxFrame,
  errorCode,
  frameFlag,
  frameHeaderBytes,
  frameType,
  maxWindow,
  preface,
  setting,
  writeFrameHeader,
} from '../../protocol/http2/frames.ts';
import type { Exchange } from '../exchange.ts';
import type { Gateway } from '../gateway.ts';
import { RateBucket } from '../rate-bucket.ts';
import type { OutgoingHead, UpstreamConnection } from '../sides.ts';
import type { SecureDial } from '../tls/upstream-contexts.ts';
import { connectTransport } from '../transport/open.ts';
import { ClientStream } from './client-stream.ts';
import { Http2Connection } from './connection.ts';
import { type SendingConnection, streamWindow } from './stream.ts';
import { StreamTable } from './stream-table.ts';
import { pumpAll, WaitingStreams } from './waiting-streams.ts';

/** How a connection is made. */
export interface ConnectOptions {
  /** For TCP and the first SETTINGS together. */
  readonly connectTimeoutMs: number;
  readonly indexFields: boolean;
}

/** What a connection tells its pool. */
export interface ClientConnectionEvents {
  /** It can take calls: SETTINGS have come and ours were acknowledged; or a stream has become free. */
  onRoom(connection: ClientConnection): void;
  /** It takes no more calls. `failed`: it was never ready; `why`: an error code or words. */
  onGone(connection: ClientConnection, failed: boolean, why: string): void;
  /** GOAWAY with ENHANCE_YOUR_CALM: pings come too often for this peer. */
  onTooManyPings(): void;
}

/** Cancelled calls a second, five times as many at once, before a connection is replaced. */
const resetsPerSecond = 20;

/** Streams after which a connection is replaced, well before its numbers end (2^31). */
const lastUsefulStream = 0x7ffffff0;

/** A connection to an endpoint of a service. */
export class ClientConnection extends Http2Connection implements SendingConnection, UpstreamConnection {
  readonly gateway: Gateway;
  readonly waiting = new WaitingStreams();
  readonly streams = new StreamTable<ClientStream>();
  /** No more calls go to it. */
  draining = false;
  readonly #events: ClientConnectionEvents;
  readonly #table = new EncoderTable();
  readonly #resets = new RateBucket(resetsPerSecond);
  readonly #indexFields: boolean;
  #nextStream = 1;
  #ready = false;
  #connectTimer: NodeJS.Timeout | null;
  #pingAt = 0;
  #pongDue = 0;

  /** Connects at once. */
  constructor(
    gateway: Gateway,
    address: string,
    port: number,
    secure: SecureDial | null,
    options: ConnectOptions,
    events: ClientConnectionEvents,
  ) {
    super(gateway.environment, (owner) => connectTransport(address, port, secure, 'h2', gateway.loop, owner));
    this.gateway = gateway;
    this.#events = events;
    this.#indexFields = options.indexFields;
    gateway.metrics.gateway[GatewayCount.UPSTREAM_OPENED!]!++;
    this.#connectTimer = setTimeout(() => this.#lost('connect timeout'), options.connectTimeoutMs);
    const out = this.room(preface.length);
    this.position += preface.copy(out, this.position);
    // A table of 0: answers depend on nothing and go on as they are (see response-blocks.ts).
    this.sendSettings([
      [setting.headerTableSize, 0],
      [setting.enablePush, 0],
      [setting.initialWindowSize, streamWindow],
    ]);
    this.openWindow();
  }

  protected override scheduleFlush(): void {
    this.loop.scheduleLate(this);
  }

  get queued(): { bytes: number } {
    return this.gateway.queued;
  }

  get takesUpgrades(): boolean {
    return this.peerConnectProtocol;
  }

  /** Calls that it can take now. */
  get capacity(): number {
    if (!this.#ready || this.draining || this.closed) return 0;
    return this.peerMaxStreams - this.streams.size;
  }

  /** Before the peer's SETTINGS and its ACK of ours nothing may be sent: its first blocks could use a table. */
  get isReady(): boolean {
    return this.#ready;
  }

  // ---- calls

  open(exchange: Exchange, head: OutgoingHead): ClientStream {
    const id = this.#nextStream;
    this.#nextStream += 2;
    if (this.#nextStream >= lastUsefulStream) this.#retire('stream numbers used up');
    const stream = new ClientStream(this, id, exchange);
    this.streams.add(stream);
    this.activeAt = this.loop.now;
    const { line, bytes: plain, start, end, marks, fin } = head;
    const most = line.length + (end - start) + 8;
    if (most > defaultMaxFrame) this.#openLarge(id, head);
    else {
      const out = this.room(frameHeaderBytes + most);
      const at = this.position;
      let to = this.#table.begin(out, at + frameHeaderBytes);
      if (line.length < 24) for (let i = 0; i < line.length; i++) out[to + i] = line[i]!;
      else out.set(line, to);
      to += line.length;
      let from = start;
      const count = marks === null || this.peerTableSize === 0 || !this.#indexFields ? 0 : marks.count;
      for (let i = 0; i < count; i++) {
        const fieldStart = start + marks!.start[i]!;
        if (fieldStart > from) {
          out.set(plain.subarray(from, fieldStart), to);
          to += fieldStart - from;
        }
        to = this.#table.write(out, to, marks!.field[i]!);
        from = start + marks!.end[i]!;
      }
      if (end > from) {
        out.set(plain.subarray(from, end), to);
        to += end - from;
      }
      const flags = fin ? frameFlag.endStream | frameFlag.endHeaders : frameFlag.endHeaders;
      writeFrameHeader(out, at, to - at - frameHeaderBytes, frameType.headers, flags, id);
      this.position = to;
    }
    if (fin) stream.localEnded = true;
    return stream;
  }

  #openLarge(id: number, head: OutgoingHead): void {
    const { line, bytes: plain, start, end, fin } = head;
    const block = Buffer.allocUnsafeSlow(line.length + end - start + 8);
    let to = this.#table.begin(block, 0);
    to += line.copy(block, to);
    to += plain.copy(block, to, start, end);
    this.writeBlock(id, fin, block, 0, to);
  }

  /** The stream has ended in both directions. */
  remove(stream: ClientStream): void {
    this.streams.delete(stream.id);
    this.activeAt = this.loop.now;
    if (this.draining) this.#closeIfDone();
    else this.#events.onRoom(this);
  }

  /**
   * The stream was reset by the gateway. Many servers end a connection with too many resets (nghttp2: 1,000 and
   * 33 a second), and with it the calls of other clients: it is replaced before that.
   */
  forget(stream: ClientStream): void {
    if (!this.#resets.take(this.loop.now)) this.#retire('many cancelled calls');
    this.remove(stream);
  }

  // ---- frames

  protected override onHeaders(id: number, flags: number, block: Buffer, start: number, end: number): void {
    this.useful();
    const answer = this.gateway.responses.read(block, start, end);
    if (answer.broken) {
      return this.connectionError(errorCode.compressionError, 'a header block that uses a table of size 0');
    }
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.isIdle(id)) this.connectionError(errorCode.protocolError, 'HEADERS on an idle stream');
      return;
    }
    if (stream.remoteEnded)
      return stream.fault(errorCode.streamClosed, 'HEADERS behind the end of its answer');
    stream.receiveBlock(answer, (flags & frameFlag.endStream) !== 0);
  }

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
    if (stream === undefined) return;
    if (stream.remoteEnded) return stream.fault(errorCode.streamClosed, 'DATA behind the end of its answer');
    stream.receiveWindow -= flow;
    if (stream.receiveWindow < 0) {
      this.brokeProtocol();
      return stream.fault(errorCode.flowControlError, 'more than its window');
    }
    if (flow > end - start) stream.credit(flow - (end - start));
    stream.receive(bytes, start, end, fin);
    if (this.gateway.queued.bytes > this.gateway.limits.queued_bytes) this.gateway.shed();
  }

  protected override onReset(id: number, code: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    this.gateway.metrics.gateway[GatewayCount.RESETS_BY_UPSTREAM!]!++;
    this.streams.delete(id);
    stream.receiveReset(code);
    if (this.draining) this.#closeIfDone();
    else this.#events.onRoom(this);
  }

  protected override onStreamWindow(id: number, increment: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    stream.sendWindow += increment;
    if (stream.sendWindow > maxWindow) {
      this.brokeProtocol();
      return stream.fault(errorCode.flowControlError, 'a window above 2^31-1');
    }
    if (stream.queuedBytes > 0) stream.pump(16);
  }

  protected override onWindow(): void {
    pumpAll(this);
  }

  /** The upstream ends: calls above `last` were not acted upon and go elsewhere; the others finish. */
  protected override onGoaway(last: number, code: number): void {
    if (code === errorCode.enhanceYourCalm) this.#events.onTooManyPings();
    this.#retire('GOAWAY');
    for (const stream of this.streams.all()) {
      if (stream.id <= last) continue;
      const exchange = stream.exchange;
      this.streams.delete(stream.id);
      stream.exchange = null;
      stream.dropQueue();
      stream.localEnded = true;
      stream.remoteEnded = true;
      exchange?.refused(this);
    }
    this.#closeIfDone();
  }

  protected override onPingAck(): void {
    this.#pongDue = 0;
  }

  protected override onSettings(): void {
    this.#table.allow(this.peerTableSize);
    if (this.#ready) {
      this.#events.onRoom(this);
      return;
    }
    if (!this.settingsReceived || !this.settingsAcknowledged) return;
    this.#ready = true;
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer);
    this.#connectTimer = null;
    this.#events.onRoom(this);
  }

  protected override isIdle(id: number): boolean {
    return (id & 1) === 0 || id >= this.#nextStream;
  }

  protected override lastPeerStream(): number {
    return 0;
  }

  protected override countProtocolError(): void {
    this.gateway.metrics.gateway[GatewayCount.PROTOCOL_ERRORS_UPSTREAM!]!++;
  }

  /** Counts a broken rule of one stream. */
  brokeProtocol(): void {
    this.countProtocolError();
  }

  protected override streamError(id: number, code: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    this.brokeProtocol();
    stream.fault(code, 'a faulty frame');
  }

  // ---- the end

  #retire(why: string): void {
    if (this.draining) return;
    this.draining = true;
    this.#events.onGone(this, !this.#ready, why);
  }

  #closeIfDone(): void {
    if (this.streams.size > 0 || this.closed) return;
    this.endAfterFlush();
  }

  protected override onInputEnded(): void {
    this.#lost('closed by the upstream');
  }

  protected override onTransportClosed(reason: string): void {
    this.#lost(reason);
  }

  #lost(why: string): void {
    if (this.closed) return;
    const wasReady = this.#ready;
    this.release();
    this.transport.destroy();
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer);
    const counts = this.gateway.metrics.gateway;
    counts[GatewayCount.UPSTREAM_CLOSED!]!++;
    if (!wasReady) counts[GatewayCount.UPSTREAM_FAILED!]!++;
    counts[GatewayCount.UPSTREAM_BYTES_IN!]! += this.bytesIn;
    counts[GatewayCount.UPSTREAM_BYTES_OUT!]! += this.bytesOut;
    const streams = this.streams.all();
    this.streams.clear();
    this.waiting.clear();
    this.#retire(why);
    for (const stream of streams) {
      const exchange = stream.exchange;
      stream.exchange = null;
      stream.dropQueue();
      stream.localEnded = true;
      stream.remoteEnded = true;
      exchange?.upstreamClosed(why);
    }
  }

  /** Closes it as soon as its calls are over. */
  retire(): void {
    this.#retire('no longer used');
    this.#closeIfDone();
  }

  /** Once a second: stalls, idleness (`idleMs`), and keep-alive pings (`keepAliveMs`, 0 = none). */
  sweep(now: number, idleMs: number, keepAliveMs: number): void {
    if (this.closed || !this.#ready) return;
    if (this.blocked && now - this.blockedSince > this.gateway.limits.stalled_connection) {
      return this.#lost('it takes no more bytes');
    }
    if (this.streams.size === 0) {
      this.#pongDue = 0;
      if (now - this.activeAt > idleMs) this.retire();
      return;
    }
    if (this.#pongDue > 0 && now > this.#pongDue) return this.#lost('no answer to PING');
    if (keepAliveMs > 0 && this.#pongDue === 0 && now - this.#pingAt >= keepAliveMs) {
      this.#pingAt = now;
      this.#pongDue = now + 20_000;
      this.sendPing();
    }
  }
}
