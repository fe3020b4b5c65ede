import { once } from 'node:events';
import net from 'node:net';

/** An answer as it came; lines as they were written. */
export interface RawAnswer {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: Buffer;
  readonly trailers: readonly string[];
}

/** An HTTP/1.1 client that sends bytes and reads answers by the letter. */
export class RawHttp1 {
  readonly #socket: net.Socket;
  #bytes = Buffer.alloc(0);
  #pieces: Buffer[] = [];
  #ended = false;
  #wake: () => void = () => {};

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', (data: Buffer) => {
      this.#pieces.push(data);
      this.#wake();
    });
    const ended = (): void => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('end', ended);
    socket.on('close', ended);
    socket.on('error', ended);
  }

  /** Connects to a port of this machine. */
  static async connect(port: number): Promise<RawHttp1> {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawHttp1(socket);
  }

  send(data: string | Buffer): void {
    this.#socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Bytes that wait because the other side does not read. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  end(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Leaves with a reset, as a client does that has gone; FIN alone may be a client that still listens. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #join(): Buffer {
    if (this.#pieces.length > 0) {
      this.#bytes = Buffer.concat([this.#bytes, ...this.#pieces]);
      this.#pieces = [];
    }
    return this.#bytes;
  }

  async #more(ms = 5000): Promise<boolean> {
    if (this.#pieces.length > 0) return true;
    if (this.#ended) return false;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#wake = resolve;
      timer = setTimeout(() => reject(new Error(`nothing came: ${this.#bytes.toString('latin1')}`)), ms);
    });
    clearTimeout(timer);
    return this.#pieces.length > 0;
  }

  async #need(length: number): Promise<void> {
    let have = this.#join().length;
    const pieces: Buffer[] = [this.#bytes];
    while (have < length) {
      if (!(await this.#more())) throw new Error('closed inside an answer');
      for (const piece of this.#pieces.splice(0)) {
        pieces.push(piece);
        have += piece.length;
      }
    }
    this.#bytes = Buffer.concat(pieces);
  }

  async #line(): Promise<string> {
    for (;;) {
      const at = this.#join().indexOf('\r\n');
      if (at >= 0) {
        const line = this.#bytes.toString('latin1', 0, at);
        this.#bytes = this.#bytes.subarray(at + 2);
        return line;
      }
      if (!(await this.#more())) throw new Error('closed inside an answer');
    }
  }

  async #lines(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#line();
      if (line === '') return lines;
      lines.push(line);
    }
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  /** Reads the next answer. @param method of the request; HEAD has no body. */
  async answer(method = 'GET'): Promise<RawAnswer> {
    const status = Number((await this.#line()).split(' ')[1]);
    const fields = await this.#lines();
    const value = (name: string): string | undefined =>
      fields
        .find((line) => line.toLowerCase().startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim();
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) {
      return { status, fields, body: Buffer.alloc(0), trailers: [] };
    }
    if (value('transfer-encoding') === 'chunked') {
      const body: Buffer[] = [];
      for (;;) {
        const size = Number.parseInt(await this.#line(), 16);
        if (size === 0) return { status, fields, body: Buffer.concat(body), trailers: await this.#lines() };
        await this.#need(size + 2);
        body.push(this.#take(size));
        this.#take(2);
      }
    }
    const length = Number(value('content-length') ?? Number.NaN);
    if (Number.isNaN(length)) throw new Error('an answer of no known length');
    await this.#need(length);
    return { status, fields, body: this.#take(length), trailers: [] };
  }

  /** Everything that still comes until the other side closes. */
  async rest(): Promise<string> {
    for (;;) {
      this.#join();
      if (!(await this.#more())) break;
    }
    const text = this.#bytes.toString('latin1');
    this.#bytes = Buffer.alloc(0);
    return text;
  }

  /** True when the other side closes without a further byte. */
  async ended(): Promise<boolean> {
    return (await this.rest()) === '';
  }
}
