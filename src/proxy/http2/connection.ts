import { GatewayCount, type LimitName, limitIndex } from '../../metrics/catalog.ts';
import {
  defaultMaxFrame,
  defaultWindow,
  errorCode,
  frameFlag,
  frameHeaderBytes,
  frameType,
  maxWindow,
  readUint32,
  setting,
  writeFrameHeader,
} from '../../protocol/http2/frames.ts';
import { RateBucket } from '../rate-bucket.ts';
import type { Transport, TransportOwner } from '../transport/transport.ts';
import { FrameWriter, type Http2Environment } from './frame-writer.ts';
import type { Http2Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** A connection that had a call within so many ms will have something to write soon. */
const recentMs = 10;

/** Output beyond which a peer that floods with control frames is no longer read. */
const pauseBacklog = 65_536;

/** The window of a connection that both sides are given; credit comes back on receipt, so it never stalls. */
const connectionWindow = 1_048_576;

/**
 * Frames in, frames out: what servers and clients of HTTP/2 have in common (RFC 9113). Frames are parsed in
 * place in the shared read buffer; only one that is cut off at its end is copied.
 */
export abstract class Http2Connection extends FrameWriter {
  /** What the peer allows (its SETTINGS). */
  peerMaxFrame = defaultMaxFrame;
  peerInitialWindow = defaultWindow;
  peerMaxStreams = Number.POSITIVE_INFINITY;
  peerTableSize = 4096;
  /** Extended CONNECT (RFC 8441 3). */
  peerConnectProtocol = false;
  /** What may still be sent on the connection (RFC 9113 6.9); may become negative. */
  sendWindow = defaultWindow;
  settingsReceived = false;
  settingsAcknowledged = false;
  /** When the last frame of use came (ms). */
  activeAt = 0;
  /** Since when (ms) a header block is incomplete; 0 = none is. */
  headStartedAt = 0;
  #receiveWindow = defaultWindow;
  #uncredited = 0;
  #carry: Buffer | null = null;
  #carried = 0;
  /** Stream of the header block that CONTINUATION frames go on with; 0 = none. */
  #blockStream = 0;
  #blockFlags = 0;
  #block: Buffer[] = [];
  #blockBytes = 0;
  #continuations = 0;
  #pings: RateBucket | null = null;
  #settings: RateBucket | null = null;
  #empties: RateBucket | null = null;
  #windowUpdates: RateBucket | null = null;
  #priorities: RateBucket | null = null;

  constructor(environment: Http2Environment, open: (owner: TransportOwner) => Transport) {
    super(environment, open);
    this.activeAt = environment.loop.now;
  }

  /** A complete header block. */
  protected abstract onHeaders(
    stream: number,
    flags: number,
    block: Buffer,
    start: number,
    end: number,
  ): void;
  /** DATA without its padding; `flow` is what counts for the windows. */
  protected abstract onData(
    stream: number,
    fin: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    flow: number,
  ): void;
  protected abstract onReset(stream: number, code: number): void;
  /** The stream's window grows; false when the stream is not known (then it is closed or idle). */
  protected abstract onStreamWindow(stream: number, increment: number): void;
  /** The connection's window has grown, or the initial window has: what waits may go on. */
  protected abstract onWindow(): void;
  /** Streams that are open. */
  abstract readonly streams: StreamTable<Http2Stream>;
  protected abstract onGoaway(lastStream: number, code: number): void;
  protected abstract onPingAck(): void;
  protected abstract onSettings(): void;
  /** True when a stream of this number was never opened by the peer or by us. */
  protected abstract isIdle(stream: number): boolean;
  /** The peer broke a rule: counted on the side that this connection is. */
  protected abstract countProtocolError(): void;
  /** The stream is closed with `code`. */
  protected abstract streamError(stream: number, code: number): void;

  // ---- reading

  protected onBytes(buffer: Buffer, length: number): void {
    let start = 0;
    if (this.#carried > 0) {
      start = this.#complete(buffer, length);
      if (start < 0 || this.closed) return;
    }
    const consumed = this.consume(buffer, start, length);
    if (this.closed) return;
    if (consumed < length) this.#keep(buffer, consumed, length);
    if (this.#uncredited >= connectionWindow / 2) this.#giveCredit();
    if (this.blocked && this.backlog > pauseBacklog) this.pauseReading();
  }

  protected override onFault(error: Error): void {
    this.environment.onFault(error);
    this.connectionError(errorCode.internalError, 'internal error');
  }

  protected override onWritable(): void {
    if (this.backlog <= pauseBacklog) this.resumeReading();
    this.onWindow();
  }

  /** Goes on with a frame that began in an earlier read; -1 when it is still not complete. */
  #complete(buffer: Buffer, length: number): number {
    let carry = this.#carry!;
    let from = 0;
    while (this.#carried < frameHeaderBytes) {
      if (from === length) return -1;
      carry[this.#carried++] = buffer[from++]!;
    }
    const whole = frameHeaderBytes + ((carry[0]! << 16) | (carry[1]! << 8) | carry[2]!);
    if (whole > frameHeaderBytes + defaultMaxFrame) {
      this.connectionError(errorCode.frameSizeError, 'a frame above 16,384 bytes');
      return -1;
    }
    if (carry.length < whole) {
      const larger = this.loop.take();
      carry.copy(larger, 0, 0, this.#carried);
      this.#carry = carry = larger;
    }
    const take = Math.min(whole - this.#carried, length - from);
    buffer.copy(carry, this.#carried, from, from + take);
    this.#carried += take;
    if (this.#carried < whole) return -1;
    this.#carried = 0;
    this.#carry = null;
    this.consume(carry, 0, whole);
    this.loop.give(carry);
    return from + take;
  }

  #keep(buffer: Buffer, start: number, end: number): void {
    // Most that is cut off is small; a large frame gets a pooled buffer when its length is known.
    const length = end - start;
    this.#carry = length <= 256 ? Buffer.allocUnsafeSlow(256) : this.loop.take();
    buffer.copy(this.#carry, 0, start, end);
    this.#carried = length;
  }

  /** Parses whole frames in `buffer[start, end)`; returns how far it came. */
  protected consume(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (end - at >= frameHeaderBytes) {
      const length = (buffer[at]! << 16) | (buffer[at + 1]! << 8) | buffer[at + 2]!;
      if (length > defaultMaxFrame) {
        this.connectionError(errorCode.frameSizeError, 'a frame above 16,384 bytes');
        return end;
      }
      const payload = at + frameHeaderBytes;
      if (end - payload < length) break;
      const stream = readUint32(buffer, at + 5) & maxWindow;
      this.#frame(buffer[at + 3]!, buffer[at + 4]!, stream, buffer, payload, payload + length);
      if (this.closed) return end;
      at = payload + length;
    }
    return at;
  }

  #frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (this.#blockStream !== 0 && (type !== frameType.continuation || stream !== this.#blockStream)) {
      return this.connectionError(errorCode.protocolError, 'a frame inside a header block');
    }
    if (!this.settingsReceived && (type !== frameType.settings || (flags & frameFlag.ack) !== 0)) {
      return this.connectionError(errorCode.protocolError, 'the first frame is not SETTINGS');
    }
    switch (type) {
      case frameType.data:
        return this.#data(flags, stream, bytes, start, end);
      case frameType.headers:
        return this.#headers(flags, stream, bytes, start, end);
      case frameType.priority:
        return this.#priority(stream, bytes, start, end);
      case frameType.rstStream:
        return this.#rstStream(stream, bytes, start, end);
      case frameType.settings:
        return this.#settingsFrame(flags, stream, bytes, start, end);
      case frameType.pushPromise:
        return this.connectionError(errorCode.protocolError, 'PUSH_PROMISE');
      case frameType.ping:
        return this.#ping(flags, stream, bytes, start, end);
      case frameType.goaway:
        return this.#goaway(stream, bytes, start, end);
      case frameType.windowUpdate:
        return this.#windowUpdate(stream, bytes, start, end);
      case frameType.continuation:
        return this.#continuation(flags, stream, bytes, start, end);
      default:
        // Unknown types are ignored (RFC 9113 4.1), but not without end.
        this.#priorities ??= new RateBucket(this.environment.limits.priority_flood);
        if (!this.#priorities.take(this.loop.now))
          this.calm('priority_flood', 'too many frames of unknown types');
    }
  }

  #data(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream === 0) return this.connectionError(errorCode.protocolError, 'DATA on stream 0');
    if (this.isIdle(stream)) return this.connectionError(errorCode.protocolError, 'DATA on an idle stream');
    let from = start;
    let to = end;
    if ((flags & frameFlag.padded) !== 0) {
      if (start === end)
        return this.connectionError(errorCode.frameSizeError, 'DATA without its padding length');
      to -= bytes[from++]!;
      if (to < from) return this.connectionError(errorCode.protocolError, 'more padding than frame');
    }
    const flow = end - start;
    this.#receiveWindow -= flow;
    if (this.#receiveWindow < 0)
      return this.connectionError(errorCode.flowControlError, 'more DATA than the window');
    // Connection credit is given back on receipt: a slow reader costs its own stream, not its neighbours.
    this.#uncredited += flow;
    const fin = (flags & frameFlag.endStream) !== 0;
    if (to === from && !fin && !this.#mayBeEmpty()) return;
    this.onData(stream, fin, bytes, from, to, flow);
  }

  #mayBeEmpty(): boolean {
    this.#empties ??= new RateBucket(this.environment.limits.empty_frames);
    if (this.#empties.take(this.loop.now)) return true;
    this.calm('empty_frames', 'too many empty frames');
    return false;
  }

  #giveCredit(): void {
    const credit = this.#uncredited;
    this.#uncredited = 0;
    this.#receiveWindow += credit;
    this.sendWindowUpdate(0, credit);
  }

  /** Opens the connection's window to its full size; part of the connection's first words. */
  protected openWindow(): void {
    this.#receiveWindow = connectionWindow;
    this.sendWindowUpdate(0, connectionWindow - defaultWindow);
  }

  #headers(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream === 0) return this.connectionError(errorCode.protocolError, 'HEADERS on stream 0');
    let from = start;
    let to = end;
    if ((flags & frameFlag.padded) !== 0) {
      if (from === end)
        return this.connectionError(errorCode.frameSizeError, 'HEADERS without its padding length');
      to -= bytes[from++]!;
    }
    if ((flags & frameFlag.priority) !== 0) {
      if (to - from < 5)
        return this.connectionError(errorCode.frameSizeError, 'HEADERS without its priority');
      if ((readUint32(bytes, from) & maxWindow) === stream) {
        // The block is read all the same: the table belongs to the connection.
        this.#selfDependent = stream;
      }
      from += 5;
    }
    if (to < from) return this.connectionError(errorCode.protocolError, 'more padding than frame');
    if ((flags & frameFlag.endHeaders) !== 0) {
      this.onHeaders(stream, flags, bytes, from, to);
      this.#checkSelfDependency();
      return;
    }
    if (from === to && !this.#mayBeEmpty()) return;
    this.#blockStream = stream;
    this.#blockFlags = flags;
    this.#block = [Buffer.from(bytes.subarray(from, to))];
    this.#blockBytes = to - from;
    this.#continuations = 0;
    this.headStartedAt = this.loop.now;
  }

  #selfDependent = 0;

  /** True (once) when the HEADERS frame at hand says that its stream depends on itself: a stream error (RFC 7540 5.3.1). */
  protected takeSelfDependency(): boolean {
    const found = this.#selfDependent !== 0;
    this.#selfDependent = 0;
    return found;
  }

  #checkSelfDependency(): void {
    const stream = this.#selfDependent;
    if (this.takeSelfDependency() && !this.closed) this.streamError(stream, errorCode.protocolError);
  }

  #continuation(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (this.#blockStream === 0) {
      return this.connectionError(errorCode.protocolError, 'CONTINUATION without a header block');
    }
    const limits = this.environment.limits;
    if (++this.#continuations > limits.continuation_frames) {
      return this.calm('continuation_frames', 'too many CONTINUATION frames');
    }
    this.#blockBytes += end - start;
    if (this.#blockBytes > limits.header_list_bytes * 2) {
      return this.calm('header_list_bytes', 'a header block without end');
    }
    this.#block.push(Buffer.from(bytes.subarray(start, end)));
    if ((flags & frameFlag.endHeaders) === 0) return;
    const block = Buffer.concat(this.#block);
    this.#block = [];
    this.#blockStream = 0;
    this.headStartedAt = 0;
    this.onHeaders(stream, this.#blockFlags, block, 0, block.length);
    this.#checkSelfDependency();
  }

  #priority(stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream === 0) return this.connectionError(errorCode.protocolError, 'PRIORITY on stream 0');
    this.#priorities ??= new RateBucket(this.environment.limits.priority_flood);
    if (!this.#priorities.take(this.loop.now)) return this.calm('priority_flood', 'too many PRIORITY frames');
    if (end - start !== 5) return this.streamError(stream, errorCode.frameSizeError);
    if ((readUint32(bytes, start) & maxWindow) === stream) this.streamError(stream, errorCode.protocolError);
  }

  #rstStream(stream: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4)
      return this.connectionError(errorCode.frameSizeError, 'RST_STREAM of a wrong size');
    if (stream === 0 || this.isIdle(stream)) {
      return this.connectionError(errorCode.protocolError, 'RST_STREAM on an idle stream');
    }
    this.onReset(stream, readUint32(bytes, start));
  }

  #settingsFrame(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream !== 0) return this.connectionError(errorCode.protocolError, 'SETTINGS on a stream');
    const length = end - start;
    if ((flags & frameFlag.ack) !== 0) {
      if (length !== 0) return this.connectionError(errorCode.frameSizeError, 'SETTINGS ACK with content');
      this.settingsAcknowledged = true;
      return this.onSettings();
    }
    if (length % 6 !== 0) return this.connectionError(errorCode.frameSizeError, 'SETTINGS of a wrong size');
    this.#settings ??= new RateBucket(this.environment.limits.settings_flood);
    if (!this.#settings.take(this.loop.now)) return this.calm('settings_flood', 'too many SETTINGS frames');
    for (let at = start; at < end; at += 6) {
      this.#setting((bytes[at]! << 8) | bytes[at + 1]!, readUint32(bytes, at + 2));
      if (this.closed) return;
    }
    this.settingsReceived = true;
    const out = this.room(frameHeaderBytes);
    this.position = writeFrameHeader(out, this.position, 0, frameType.settings, frameFlag.ack, 0);
    this.onSettings();
    this.onWindow();
  }

  #setting(id: number, value: number): void {
    switch (id) {
      case setting.headerTableSize:
        this.peerTableSize = value;
        return;
      case setting.enablePush:
        if (value > 1) this.connectionError(errorCode.protocolError, 'SETTINGS_ENABLE_PUSH above 1');
        return;
      case setting.enableConnectProtocol:
        if (value > 1 || (value === 0 && this.peerConnectProtocol)) {
          return this.connectionError(errorCode.protocolError, 'a wrong SETTINGS_ENABLE_CONNECT_PROTOCOL');
        }
        this.peerConnectProtocol = value === 1;
        return;
      case setting.maxConcurrentStreams:
        this.peerMaxStreams = value;
        return;
      case setting.initialWindowSize: {
        if (value > maxWindow) {
          return this.connectionError(
            errorCode.flowControlError,
            'SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1',
          );
        }
        const delta = value - this.peerInitialWindow;
        this.peerInitialWindow = value;
        if (delta !== 0 && !this.#moveWindows(delta)) {
          this.connectionError(errorCode.flowControlError, 'a window above 2^31-1');
        }
        return;
      }
      case setting.maxFrameSize:
        if (value < defaultMaxFrame || value > 0xffffff) {
          return this.connectionError(errorCode.protocolError, 'SETTINGS_MAX_FRAME_SIZE out of range');
        }
        // Larger frames than the default would only make other streams wait longer.
        return;
      default:
    }
  }

  /** RFC 9113 6.9.2: another initial window moves those of all open streams; false when one overflows. */
  #moveWindows(delta: number): boolean {
    for (const stream of this.streams.all()) {
      stream.sendWindow += delta;
      if (stream.sendWindow > maxWindow) return false;
    }
    return true;
  }

  #ping(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream !== 0) return this.connectionError(errorCode.protocolError, 'PING on a stream');
    if (end - start !== 8) return this.connectionError(errorCode.frameSizeError, 'PING of a wrong size');
    if ((flags & frameFlag.ack) !== 0) return this.onPingAck();
    this.environment.counts[GatewayCount.PINGS_RECEIVED!]!++;
    this.#pings ??= new RateBucket(this.environment.limits.ping_flood);
    if (!this.#pings.take(this.loop.now)) return this.calm('ping_flood', 'too many PING frames');
    const bytesNeeded = frameHeaderBytes + 8;
    const out =
      this.loop.now - this.activeAt < recentMs ? this.roomSoon(bytesNeeded) : this.room(bytesNeeded);
    let to = writeFrameHeader(out, this.position, 8, frameType.ping, frameFlag.ack, 0);
    for (let i = 0; i < 8; i++) out[to++] = bytes[start + i]!;
    this.position = to;
  }

  #goaway(stream: number, bytes: Buffer, start: number, end: number): void {
    if (stream !== 0) return this.connectionError(errorCode.protocolError, 'GOAWAY on a stream');
    if (end - start < 8) return this.connectionError(errorCode.frameSizeError, 'GOAWAY of a wrong size');
    this.environment.counts[GatewayCount.GOAWAY_RECEIVED!]!++;
    this.onGoaway(readUint32(bytes, start) & maxWindow, readUint32(bytes, start + 4));
  }

  #windowUpdate(stream: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4)
      return this.connectionError(errorCode.frameSizeError, 'WINDOW_UPDATE of a wrong size');
    const increment = readUint32(bytes, start) & maxWindow;
    if (stream !== 0 && this.isIdle(stream)) {
      return this.connectionError(errorCode.protocolError, 'WINDOW_UPDATE on an idle stream');
    }
    this.#windowUpdates ??= new RateBucket(this.environment.limits.window_update_flood);
    if (!this.#windowUpdates.take(this.loop.now)) {
      return this.calm('window_update_flood', 'too many WINDOW_UPDATE frames');
    }
    if (stream !== 0) {
      if (increment === 0) return this.streamError(stream, errorCode.protocolError);
      return this.onStreamWindow(stream, increment);
    }
    if (increment === 0) return this.connectionError(errorCode.protocolError, 'WINDOW_UPDATE of 0');
    this.sendWindow += increment;
    if (this.sendWindow > maxWindow) {
      return this.connectionError(errorCode.flowControlError, 'a window above 2^31-1');
    }
    this.onWindow();
  }

  /** Traffic of use was seen: pings and window updates that go with it are no flood. */
  protected useful(): void {
    this.activeAt = this.loop.now;
    if (this.#pings !== null) this.#pings.refund(4);
    if (this.#windowUpdates !== null) this.#windowUpdates.refund(8);
  }

  // ---- the end

  /** A limit was exceeded: counted, and the connection ended with ENHANCE_YOUR_CALM. */
  protected calm(limit: LimitName, why: string): void {
    this.environment.counts[limitIndex[limit]!]!++;
    this.connectionError(errorCode.enhanceYourCalm, why);
  }

  /** GOAWAY with `code`, then the end of the connection (RFC 9113 5.4.1). */
  protected connectionError(code: number, why: string): void {
    if (this.closed) return;
    if (code !== errorCode.noError && code !== errorCode.enhanceYourCalm) this.countProtocolError();
    this.sendGoaway(this.lastPeerStream(), code, why);
    this.flush();
    this.onTransportClosed(why);
    this.transport.end();
    setTimeout(() => this.transport.destroy(), 1000).unref();
  }

  /** Highest stream of the peer that was, or may have been, acted upon. */
  protected abstract lastPeerStream(): number;
}
