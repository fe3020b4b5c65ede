import net, { type AddressInfo, type Socket } from 'node:net';

/** A TCP server whose connections a test looks at. */
export interface TcpPeer {
  readonly port: number;
  readonly name: string;
  /** Those that were accepted, in their order. */
  readonly sockets: Socket[];
  close(): Promise<void>;
}

/** Starts one. @param serve gets each connection; by default it greets with its name and sends back what it gets. */
export async function startTcpPeer(
  name: string,
  serve: (socket: Socket) => void = greet(name),
): Promise<TcpPeer> {
  const sockets: Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    name,
    sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Says its name, then sends back what it gets, end included. */
function greet(name: string): (socket: Socket) => void {
  return (socket) => {
    socket.write(`${name}\n`);
    socket.pipe(socket);
  };
}

/** A connection that a test speaks on, with all that has come on it. */
export class TcpClient {
  readonly socket: Socket;
  /** What has come, as text. */
  text = '';
  bytes = 0;
  ended = false;
  /** Code of the error that has ended it, or ''. */
  error = '';
  closed = false;

  /** Connects. With `keep: false` only the bytes are counted. */
  constructor(port: number, { keep = true, address = '127.0.0.1' } = {}) {
    this.socket = net.connect({ port, host: address, allowHalfOpen: true });
    this.socket.on('data', (data: Buffer) => {
      this.bytes += data.length;
      if (keep) this.text += data.toString('latin1');
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  /** Waits until something is true of it. */
  async until(what: (client: this) => boolean, withinMs = 5000): Promise<this> {
    const end = performance.now() + withinMs;
    while (!what(this)) {
      if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}; ${this.#describe()}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this;
  }

  #describe(): string {
    const { bytes, ended, closed, error, socket } = this;
    const text = this.text.slice(0, 100);
    return JSON.stringify({
      bytes,
      ended,
      closed,
      error,
      text,
      written: socket.bytesWritten,
      left: socket.writableLength,
    });
  }

  /** Waits for the first line. */
  async line(): Promise<string> {
    await this.until(({ text, closed }) => text.includes('\n') || closed);
    return this.text.split('\n')[0]!;
  }
}
