import net from 'node:net';
import type { Loop } from './loop.ts';

const empty = Buffer.alloc(0);
const keepAliveAfterMs = 60_000;

/** What Node keeps under a socket; taken over so that reads go into one shared buffer (`onread`). */
interface WithHandle {
  _handle: object | null;
}

/**
 * A socket with buffered output, whatever protocol is spoken on it. Output is collected in a pooled buffer
 * and written once a loop turn; while the kernel does not take it, {@link blocked} is set, and bodies have
 * to wait (heads and control frames may still be added, and are bounded by their own limits).
 */
export abstract class Connection {
  readonly loop: Loop;
  readonly socket: net.Socket;
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
  #readingPaused = false;

  /** @param open makes the socket with the given `onread` options. */
  constructor(loop: Loop, open: (onread: net.OnReadOpts) => net.Socket) {
    this.loop = loop;
    this.socket = open({
      buffer: loop.readBuffer,
      callback: (length, buffer) => {
        loop.tick();
        this.bytesIn += length;
        try {
          this.onBytes(buffer as Buffer, length);
        } catch (error) {
          this.onFault(error as Error);
        }
        return true;
      },
    });
    this.socket.setNoDelay(true);
    // Finds out about peers that vanished without a word, also under calls that are silent for hours.
    this.socket.setKeepAlive(true, keepAliveAfterMs);
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      loop.tick();
      this.onSocketClosed(error.code ?? error.message);
    });
    this.socket.on('close', () => {
      loop.tick();
      this.onSocketClosed('');
    });
    this.socket.on('end', () => {
      loop.tick();
      this.onPeerEnded();
    });
  }

  /** Bytes came: `buffer[0, length)`, valid during the call only. */
  protected abstract onBytes(buffer: Buffer, length: number): void;
  /** The peer sends nothing more. */
  protected abstract onPeerEnded(): void;
  /** The socket is gone; `reason` is an error's code or ''. May be called more than once. */
  protected abstract onSocketClosed(reason: string): void;
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
    const out = this.out;
    if (this.blocked || this.closed || out === null) return;
    if (this.position > 0) {
      const socket = this.socket;
      socket.write(out.subarray(0, this.position));
      this.bytesOut += this.position;
      this.position = 0;
      this.out = null;
      if (socket.writableLength === 0) this.loop.give(out);
      else this.#block(out);
    }
    if (this.#endAfterFlush && !this.blocked) this.#end();
  }

  #block(out: Buffer): void {
    this.blocked = true;
    this.blockedSince = this.loop.now;
    this.#inKernel = out;
    // Its callback comes when everything before it was taken; 'drain' would not come for small writes.
    this.socket.write(empty, () => this.#unblock());
  }

  #unblock(): void {
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
      for (const buffer of waiting) this.socket.write(buffer);
      if (this.socket.writableLength > 0) {
        this.#block(empty);
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
    this.socket.pause();
  }

  protected resumeReading(): void {
    if (!this.#readingPaused || this.closed) return;
    this.#readingPaused = false;
    this.socket.resume();
  }

  /** Ends the connection when everything that was collected has been written. */
  endAfterFlush(): void {
    if (this.closed || this.#endAfterFlush) return;
    this.#endAfterFlush = true;
    if (!this.blocked && this.position === 0) this.#end();
    else if (!this.#dirty) {
      this.#dirty = true;
      this.loop.schedule(this);
    }
  }

  #end(): void {
    if (this.socket.destroyed) return;
    this.socket.end();
    // A peer that neither reads nor closes would keep it for ever.
    setTimeout(() => this.socket.destroy(), 2000).unref();
  }

  /** Drops the connection and what was not written. */
  destroy(): void {
    this.socket.destroy();
    this.release();
  }

  /** Gives the buffers back; called when the socket is gone. */
  protected release(): void {
    this.closed = true;
    if (this.out !== null && this.#waiting.length === 0) this.loop.give(this.out);
    this.out = null;
    this.position = 0;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#inKernel = null;
  }
}

/**
 * Takes an accepted, paused socket over into one that reads into `onread`'s buffer. `net.createServer` has no
 * such option; the default allocates and copies for every read (3 to 5 µs a request).
 */
export function takeOver(accepted: net.Socket, onread: net.OnReadOpts): net.Socket {
  const handle = (accepted as unknown as WithHandle)._handle;
  (accepted as unknown as WithHandle)._handle = null;
  accepted.destroy();
  return new net.Socket({ handle, onread, allowHalfOpen: true } as unknown as net.SocketConstructorOpts);
}
