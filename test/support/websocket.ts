import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import WebSocket, { WebSocketServer } from 'ws';

/** A WebSocket server that sends every message back as it came, valid UTF-8 or not; `close N` makes it close with code N. */
export interface EchoServer {
  readonly port: number;
  /** Close codes that clients gave. */
  readonly closes: number[];
  close(): void;
}

function echo(socket: WebSocket, closes: number[]): void {
  socket.on('message', (data, binary) => {
    const asked = binary ? null : /^close (\d+)$/.exec(String(data).slice(0, 20));
    if (asked === null) socket.send(data, { binary });
    else socket.close(Number(asked[1]), 'bye');
  });
  socket.on('error', () => {});
  socket.on('close', (code) => closes.push(code));
}

/** Over HTTP/1.1. */
export async function startEcho1(): Promise<EchoServer> {
  const closes: number[] = [];
  const server = http.createServer((_, response) => response.writeHead(426).end('upgrade'));
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: true,
    maxPayload: 64 * 1024 * 1024,
    skipUTF8Validation: true,
  });
  sockets.on('connection', (socket) => echo(socket, closes));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    closes,
    close: () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What `ws` does not tell its types: how a socket is put under a WebSocket. */
interface Bare {
  _isServer: boolean;
  setSocket(stream: Duplex, head: Buffer, options: object): void;
}

/** A WebSocket on a stream of HTTP/2, behind its handshake. */
function over(stream: Duplex, isServer: boolean): WebSocket {
  const socket = new (
    WebSocket as unknown as new (
      address: null,
      protocols: undefined,
      options: object,
    ) => WebSocket
  )(null, undefined, { autoPong: true });
  const bare = socket as unknown as Bare;
  bare._isServer = isServer;
  const shims = stream as unknown as Record<string, unknown>;
  shims.setNoDelay ??= () => {};
  bare.setSocket(stream, Buffer.alloc(0), {
    allowSynchronousEvents: true,
    maxPayload: 64 * 1024 * 1024,
    skipUTF8Validation: isServer,
  });
  return socket;
}

/** Over HTTP/2 (RFC 8441). */
export async function startEcho2(): Promise<EchoServer> {
  const closes: number[] = [];
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer({ settings: { enableConnectProtocol: true } });
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':method'] !== 'CONNECT' || headers[':protocol'] !== 'websocket') {
      stream.respond({ ':status': 426 });
      stream.end('upgrade');
      return;
    }
    stream.respond({ ':status': 200 });
    echo(over(stream, true), closes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    closes,
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

/** Opens a WebSocket over HTTP/1.1. */
export function open1(port: number, path: string, options: WebSocket.ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { maxPayload: 64 * 1024 * 1024, ...options });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Opens one over HTTP/2; rejects with the status where it is refused. */
export async function open2(port: number, path: string): Promise<WebSocket> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  await new Promise<void>((resolve) => session.once('remoteSettings', () => resolve()));
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':path': path,
      ':authority': `127.0.0.1:${port}`,
      'sec-websocket-version': '13',
    },
    { endStream: false },
  );
  stream.on('error', () => {});
  const status = await new Promise<number>((resolve) =>
    stream.once('response', (headers) => resolve(Number(headers[':status']))),
  );
  if (status !== 200) {
    session.destroy();
    throw new Error(String(status));
  }
  const socket = over(stream, false);
  socket.on('close', () => session.close());
  return socket;
}
