import type { Farewell } from './farewells.ts';
import type { Loop } from './loop.ts';
import type { Transport, TransportOwner } from './transport/transport.ts';

/**
 * A transport with buffered output, whatever protocol is spoken on it. Output is collected in a pooled buffer
 * and written once a loop turn; while the kernel does not take it, {@link blocked} is set, and bodies have
 * to wait (heads and control frames may still be added, and are bounded by their own limits).
 */
export abstract class Connection implements TransportOwner {
  readonly loop: Loop;
  readonly transport: Transport;
  /** The kernel has not taken what was written. */
  blocked = false;
  /** Since when (ms), while blocked. */
  blockedSince = 0;
  closed = false;
  bytesIn = 0;
  bytesOut = 0;
  /** The buffer that is being filled, and how far. Get it from {@link room}. */
  protected out: Buffer | null = null;
  protected position = 0;
  #dirty = false;
  /** See `Patient`. */
  waitsSince: number = Number.POSITIVE_INFINITY;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #inKernel: Buffer | null = null;
  #endAfterFlush = false;
  #ended = false;
  #waitForPeer = false;
  /** While it waits for its peer to close, too. */
  #farewell: Farewell | null = null;
  #readingPaused = false;

  /** @param open makes the transport, or gives one that is there; it belongs to this connection from then on. */
  constructor(loop: Loop, open: (owner: TransportOwner) => Transport) {
    this.loop = loop;
    this.transport = open(this);
  }

  onRead(length: number): void {
    if (this.closed) return;
    this.loop.tick();
    this.take(this.loop.readBuffer, length);
  }

  /** Takes bytes as if they had been read just now: `buffer[0, length)`. */
  take(buffer: Buffer, length: number): void {
    this.bytesIn += length;
    try {
      this.onBytes(buffer, length);
    } catch (error) {
      this.onFault(error as Error);
    }
  }

  onClosed(reason: string): void {
    this.loop.tick();
    this.onTransportClosed(reason);
  }

  onConnected(): void {}

  onPeerEnded(): void {
    this.loop.tick();
    this.onInputEnded();
  }

  /** Bytes came: `buffer[0, length)`, valid during the call only. */
  protected abstract onBytes(buffer: Buffer, length: number): void;
  /** The peer sends nothing more. */
  protected abstract onInputEnded(): void;
  /** The transport is gone; `reason` is an error's code or ''. May be called more than once. */
  protected abstract onTransportClosed(reason: string): void;
  /** The kernel has taken everything: what waits may go on. */
  protected abstract onWritable(): void;
  /** A fault of the gateway's own while it read: costs this connection, and no other. */
  protected abstract onFault(error: Error): void;

  /** A buffer with at least `needed` (at most 32 KiB) bytes behind {@link position}; schedules the flush. */
  protected room(needed: number): Buffer {
    let out = this.out;
    if (out === null || this.position + needed > out.length) out = this.#more();
    if (!this.#dirty) {
      this.#dirty = true;
      this.scheduleFlush();
    }
    return out;
  }

  /** Copies `bytes[start, end)` to the output, however many they are. */
  protected append(bytes: Buffer, start: number, end: number): void {
    let from = start;
    if (end - start >= directFrom && !this.blocked && !this.closed) from = this.#writeNow(bytes, start, end);
    while (from < end) {
      const left = end - from;
      const space = this.out === null ? 0 : this.out.length - this.position;
      // Fills what is there; a new buffer is begun when hardly anything is left of it.
      const length = space >= leastPiece ? Math.min(left, space) : Math.min(left, mostRoom);
      const out = this.room(length);
      if (length < 24) for (let i = 0; i < length; i++) out[this.position + i] = bytes[from + i]!;
      else out.set(bytes.subarray(from, from + length), this.position);
      this.position += length;
      from += length;
    }
  }

  /** Writes what was collected and `bytes[start, end)` behind it, as much as the kernel takes; how far of `bytes` that was. */
  #writeNow(bytes: Buffer, start: number, end: number): number {
    const { out, position } = this;
    const written = this.transport.writeNow(out, position, bytes, start, end);
    this.bytesOut += written;
    if (written < position) {
      out!.copyWithin(0, written, position);
      this.position -= written;
      return start;
    }
    this.position = 0;
    return start + written - position;
  }

  /** Has what was collected written soon: at the end of this turn, unless the kind of connection knows better. */
  protected scheduleFlush(): void {
    this.loop.schedule(this);
  }

  /** As {@link room}, for bytes that may wait a few milliseconds for others to go with. */
  protected roomSoon(needed: number): Buffer {
    let out = this.out;
    if (out === null || this.position + needed > out.length) out = this.#more();
    if (!this.#dirty && this.waitsSince > this.loop.soonTick) {
      this.waitsSince = this.loop.soonTick;
      this.loop.scheduleSoon(this);
    }
    return out;
  }

  /** Bytes that wait behind a kernel which takes none. */
  get backlog(): number {
    return this.#waitingBytes + this.position;
  }

  #more(): Buffer {
    if (this.out !== null) {
      if (this.blocked) {
        this.#waiting.push(this.out.subarray(0, this.position));
        this.#waitingBytes += this.position;
        this.out = null;
        this.position = 0;
      } else this.flush();
    }
    if (this.out === null) {
      this.out = this.loop.take();
      this.position = 0;
    }
    return this.out;
  }

  /** Hands what was collected to the kernel. */
  flush(): void {
    this.#dirty = false;
    this.waitsSince = Number.POSITIVE_INFINITY;
    if (this.blocked || this.closed) return;
    const out = this.out;
    if (out !== null && this.position > 0) {
      const length = this.position;
      this.bytesOut += length;
      this.position = 0;
      this.out = null;
      if (this.transport.write(out, length)) this.loop.give(out);
      else this.#block(out);
    }
    if (this.#endAfterFlush && !this.blocked) this.#end();
  }

  #block(out: Buffer): void {
    this.blocked = true;
    this.blockedSince = this.loop.now;
    this.#inKernel = out;
  }

  onDrained(): void {
    if (this.closed) return;
    this.loop.tick();
    this.blocked = false;
    if (this.#inKernel !== null) this.loop.give(this.#inKernel);
    this.#inKernel = null;
    if (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      if (this.out !== null) waiting.push(this.out.subarray(0, this.position));
      this.bytesOut += this.#waitingBytes + this.position;
      this.#waiting = [];
      this.#waitingBytes = 0;
      this.out = null;
      this.position = 0;
      let all = true;
      for (const buffer of waiting) if (!this.transport.write(buffer, buffer.length)) all = false;
      if (!all) {
        this.blocked = true;
        this.blockedSince = this.loop.now;
        return;
      }
    }
    this.flush();
    if (!this.blocked) this.onWritable();
  }

  /** Stops reading, so that the peer is stopped by TCP. */
  protected pauseReading(): void {
    if (this.#readingPaused || this.closed) return;
    this.#readingPaused = true;
    this.transport.pause();
  }

  protected resumeReading(): void {
    if (!this.#readingPaused || this.closed) return;
    this.#readingPaused = false;
    this.transport.resume();
  }

  /**
   * Ends the connection when everything that was collected has been written.
   * @param wait the peer may go on sending for as long as it likes (half-close).
   */
  endAfterFlush(wait = false): void {
    if (this.closed) return;
    if (this.#endAfterFlush) {
      if (wait || !this.#waitForPeer) return;
      this.#waitForPeer = false;
      this.#giveUpSoon();
      return;
    }
    this.#endAfterFlush = true;
    this.#waitForPeer = wait;
    if (!this.blocked && this.position === 0) this.#end();
    else if (!this.#dirty) {
      this.#dirty = true;
      this.loop.schedule(this);
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.transport.end();
    if (!this.#waitForPeer) this.#giveUpSoon();
  }

  /** A peer that neither reads nor closes would keep it for ever. */
  #giveUpSoon(): void {
    if (!this.closed) this.#farewell ??= this.loop.farewells.add(this.transport);
  }

  /** Drops the connection and what was not written. */
  destroy(): void {
    this.transport.destroy();
    this.release();
  }

  /** Gives the buffers back; called when the transport is gone. */
  protected release(): void {
    this.closed = true;
    if (this.#farewell !== null) this.loop.farewells.delete(this.#farewell);
    if (this.out !== null && this.#waiting.length === 0) this.loop.give(this.out);
    this.out = null;
    this.position = 0;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#inKernel = null;
  }
}

/** What {@link Connection.room} can be asked for. */
const mostRoom = 32_768;
const leastPiece = 4096;
/** Bytes that are handed to the kernel where they are: copying so many costs more than a system call. */
const directFrom = 32_768;
