import net from 'node:net';
import { decodePlain, encodePlain, type PlainField } from '../../src/protocol/hpack/plain.ts';
import { preface, readUint32, writeFrameHeader, writeUint32 } from '../../src/protocol/http2/frames.ts';

/** A frame as it came. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A frame's bytes. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, stream);
  payload.copy(bytes, 9);
  return bytes;
}

/** Four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  writeUint32(bytes, 0, value);
  return bytes;
}

/** A header block of literals; the order is kept. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  return encodePlain(fields.map(([name, value]) => ({ name, value, neverIndexed: false })));
}

/** What a client is told. */
export interface RawOptions {
  /** SETTINGS_INITIAL_WINDOW_SIZE, in bytes; default 65,535. */
  readonly window?: number;
  /** False: no preface and SETTINGS are sent. */
  readonly greet?: boolean;
}

/** A client on the level of frames: it acknowledges SETTINGS and answers PING, and does nothing else unasked. */
export class RawClient {
  readonly socket: net.Socket;
  readonly frames: RawFrame[] = [];
  closed = false;
  /** Windows that the peer has announced for sending: the connection's, and what a stream begins with. */
  connectionWindow = 65_535;
  streamWindow = 65_535;
  readonly windows = new Map<number, number>();
  #carry: Buffer = Buffer.alloc(0);
  #reading = true;
  readonly #waiters = new Set<() => void>();

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (data: Buffer) => this.#take(data));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** Connects. */
  static async connect(port: number, options: RawOptions = {}): Promise<RawClient> {
    const socket = net.connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.setNoDelay(true);
    const client = new RawClient(socket);
    if (options.greet === false) return client;
    const settings = options.window === undefined ? [] : [Buffer.from([0, 4]), uint32(options.window)];
    client.send(Buffer.concat([preface, frame(4, 0, 0, Buffer.concat(settings))]));
    await client.until(() => client.frames.some((f) => f.type === 4 && f.flags === 0));
    return client;
  }

  send(bytes: Buffer): boolean {
    return this.socket.write(bytes);
  }

  /** Sends a whole request without a body. */
  get(stream: number, path: string, extra: readonly (readonly [string, string])[] = []): void {
    const fields = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', 'quote.test'],
      ...extra,
    ] as const;
    this.send(frame(1, 5, stream, block(fields)));
  }

  /** Stops taking bytes from the kernel. */
  stopReading(): void {
    this.#reading = false;
    this.socket.pause();
  }

  startReading(): void {
    this.#reading = true;
    this.socket.resume();
  }

  /** Waits until `what` holds; false after `withinMs`. */
  async until(what: () => boolean, withinMs = 5000): Promise<boolean> {
    const end = performance.now() + withinMs;
    while (!what()) {
      const left = end - performance.now();
      if (left <= 0 || (this.closed && !what())) return what();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, Math.min(left, 50));
        const waiters = this.#waiters;
        function done(): void {
          clearTimeout(timer);
          waiters.delete(done);
          resolve();
        }
        waiters.add(done);
      });
    }
    return true;
  }

  of(stream: number, type?: number): RawFrame[] {
    return this.frames.filter((f) => f.stream === stream && (type === undefined || f.type === type));
  }

  /** Fields of the n-th header block of a stream. */
  head(stream: number, n = 0): PlainField[] | null {
    const found = this.of(stream, 1)[n];
    if (found === undefined) return null;
    const start = found.payload[0] === 0x20 ? 1 : 0;
    return decodePlain(found.payload, start, found.payload.length);
  }

  status(stream: number): string | null {
    return this.head(stream)?.find((field) => field.name === ':status')?.value ?? null;
  }

  /** The stream's body so far. */
  body(stream: number): Buffer {
    return Buffer.concat(this.of(stream, 0).map((f) => f.payload));
  }

  /** Code of RST_STREAM, null when none came. */
  reset(stream: number): number | null {
    const found = this.of(stream, 3)[0];
    return found === undefined ? null : readUint32(found.payload, 0);
  }

  /** Code of GOAWAY, null when none came. */
  goaway(): number | null {
    const found = this.frames.find((f) => f.type === 7);
    return found === undefined ? null : readUint32(found.payload, 4);
  }

  /** END_STREAM has come. */
  ended(stream: number): boolean {
    return this.of(stream).some((f) => (f.type === 0 || f.type === 1) && (f.flags & 1) !== 0);
  }

  close(): void {
    this.socket.destroy();
  }

  #take(data: Buffer): void {
    this.#carry = this.#carry.length === 0 ? data : Buffer.concat([this.#carry, data]);
    let at = 0;
    while (this.#carry.length - at >= 9) {
      const length = this.#carry.readUIntBE(at, 3);
      if (this.#carry.length - at - 9 < length) break;
      const payload = Buffer.from(this.#carry.subarray(at + 9, at + 9 + length));
      const one = {
        type: this.#carry[at + 3]!,
        flags: this.#carry[at + 4]!,
        stream: this.#carry.readUInt32BE(at + 5) & 0x7fffffff,
        payload,
      };
      at += 9 + length;
      this.frames.push(one);
      this.#answer(one);
    }
    this.#carry = this.#carry.subarray(at);
    this.#wake();
  }

  #answer(one: RawFrame): void {
    if (one.type === 4 && one.flags === 0) {
      for (let at = 0; at < one.payload.length; at += 6) {
        if (one.payload.readUInt16BE(at) === 4) this.streamWindow = one.payload.readUInt32BE(at + 2);
      }
      this.send(frame(4, 1, 0));
    } else if (one.type === 6 && one.flags === 0 && this.#reading) this.send(frame(6, 1, 0, one.payload));
    else if (one.type === 8) {
      const more = readUint32(one.payload, 0);
      if (one.stream === 0) this.connectionWindow += more;
      else this.windows.set(one.stream, (this.windows.get(one.stream) ?? this.streamWindow) + more);
    }
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }
}
