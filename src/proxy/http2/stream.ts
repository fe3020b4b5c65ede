import {
  defaultMaxFrame,
  errorCode,
  frameFlag,
  frameHeaderBytes,
  frameType,
  writeFrameHeader,
} from '../../protocol/http2/frames.ts';
import { DataQueue } from '../data-queue.ts';
import type { Http2Connection } from './connection.ts';
import type { WaitingStreams } from './waiting-streams.ts';

/** What a stream needs of its connection to send. */
export interface SendingConnection extends Http2Connection {
  /** Streams that have something to send and could not. */
  readonly waiting: WaitingStreams;
  /** Bytes queued over all connections of the worker. */
  readonly queued: { bytes: number };
  /** Room for a frame; the position that it begins at. */
  frameRoom(bytes: number): Buffer;
  readonly framePosition: number;
  frameWritten(end: number): void;
}

/** The window that peers get for each stream: what a stalled stream may cost, in bytes. */
export const streamWindow = 262_144;

/**
 * One side of a call on one HTTP/2 connection: flow control in both directions (RFC 9113 5.2), the queue for
 * what the peer does not take yet, and the order of body, trailers and reset.
 */
export abstract class Http2Stream {
  readonly id: number;
  /** What the peer lets us send on this stream; may be negative (RFC 9113 6.9.2). */
  sendWindow: number;
  /** What the peer may still send. */
  receiveWindow = streamWindow;
  /** END_STREAM was written, or RST_STREAM was. */
  localEnded = false;
  /** END_STREAM came, or RST_STREAM did. */
  remoteEnded = false;
  #queue: DataQueue | null = null;
  #finQueued = false;
  #trailers: Buffer | null = null;
  #resetQueued = -1;
  #credit = 0;

  constructor(id: number, sendWindow: number) {
    this.id = id;
    this.sendWindow = sendWindow;
  }

  protected abstract get sender(): SendingConnection;
  /** Queued bytes have gone. */
  protected abstract onDrained(): void;
  /** END_STREAM was written. */
  protected abstract onLocalEnd(): void;
  /** RST_STREAM was written: the stream is gone. */
  protected abstract onLocalReset(): void;

  /** Bytes that wait for the peer. */
  get queuedBytes(): number {
    return this.#queue === null ? 0 : this.#queue.length;
  }

  /** Sends body bytes; what the windows or the kernel do not take is copied and waits. */
  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    if (this.localEnded) return;
    let from = start;
    if (this.#queue === null) {
      const connection = this.sender;
      while (!connection.blocked) {
        const allowed = Math.max(Math.min(this.sendWindow, connection.sendWindow, defaultMaxFrame), 0);
        const length = Math.min(end - from, allowed);
        if (length === 0 && from < end) break;
        const last = from + length === end;
        this.sendWindow -= length;
        connection.sendWindow -= length;
        connection.writeData(this.id, fin && last, bytes, from, from + length);
        from += length;
        if (!last) continue;
        if (fin) this.#ended();
        return;
      }
      if (from === end && !fin) return;
      this.#queue = new DataQueue();
      connection.waiting.add(this);
    }
    if (end > from) {
      this.#queue.push(bytes, from, end);
      this.sender.queued.bytes += end - from;
    }
    if (fin) this.#finQueued = true;
  }

  /** Sends trailers behind the body. `block[start, end)` is plain. */
  sendTrailers(block: Buffer, start: number, end: number): void {
    if (this.localEnded) return;
    if (this.#queue !== null) {
      this.#trailers = Buffer.from(block.subarray(start, end));
      return;
    }
    this.sender.writeTrailers(this.id, block, start, end);
    this.#ended();
  }

  /**
   * Ends the stream with RST_STREAM: at once, or (NO_ERROR, after a complete answer) behind what waits, so
   * that the answer is not lost (RFC 9113 8.1).
   */
  reset(code: number): void {
    if (code === errorCode.noError && this.#queue !== null) {
      this.#resetQueued = code;
      return;
    }
    this.dropQueue();
    this.localEnded = true;
    this.sender.sendReset(this.id, code);
    this.onLocalReset();
  }

  /** Writes what waits, as far as the windows and the kernel allow. `frames`: at most so many in this turn. */
  pump(frames: number): void {
    const queue = this.#queue;
    const connection = this.sender;
    if (queue === null) {
      connection.waiting.delete(this);
      return;
    }
    let moved = 0;
    for (let n = 0; n < frames && queue.length > 0 && !connection.blocked; n++) {
      const length = Math.min(queue.length, this.sendWindow, connection.sendWindow, defaultMaxFrame);
      if (length <= 0) break;
      const fin = this.#finQueued && length === queue.length;
      const out = connection.frameRoom(frameHeaderBytes + length);
      const to = writeFrameHeader(
        out,
        connection.framePosition,
        length,
        frameType.data,
        fin ? frameFlag.endStream : 0,
        this.id,
      );
      queue.take(out, to, length);
      connection.frameWritten(to + length);
      this.sendWindow -= length;
      connection.sendWindow -= length;
      moved += length;
    }
    connection.queued.bytes -= moved;
    if (queue.length > 0 || connection.blocked) {
      if (moved > 0) this.onDrained();
      return;
    }
    const bodyHadFin = this.#finQueued && moved > 0;
    this.#queue = null;
    connection.waiting.delete(this);
    if (moved > 0) this.onDrained();
    if (this.localEnded) return;
    if (this.#trailers !== null) {
      connection.writeTrailers(this.id, this.#trailers, 0, this.#trailers.length);
      this.#trailers = null;
      this.#ended();
    } else if (this.#finQueued) {
      if (!bodyHadFin) connection.writeData(this.id, true, nothing, 0, 0);
      this.#ended();
    }
    if (this.#resetQueued >= 0 && !this.remoteEnded) this.reset(this.#resetQueued);
  }

  #ended(): void {
    this.localEnded = true;
    this.onLocalEnd();
  }

  /** Lets the peer send `bytes` more on this stream; joined into updates of half a window. */
  credit(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit < streamWindow / 2 || this.remoteEnded) return;
    const credit = this.#credit;
    this.#credit = 0;
    this.receiveWindow += credit;
    this.sender.sendWindowUpdate(this.id, credit);
  }

  /** Forgets what waits: the stream is over. */
  dropQueue(): void {
    if (this.#queue === null) return;
    this.sender.queued.bytes -= this.#queue.length;
    this.sender.waiting.delete(this);
    this.#queue = null;
    this.#trailers = null;
    this.#finQueued = false;
  }
}

const nothing = Buffer.alloc(0);
