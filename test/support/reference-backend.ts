import { createHash } from 'node:crypto';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

/**
 * Backends that answer what the clients of test/peers ask, over HTTP/1.1 and HTTP/2. The others (Go, Python, nginx) have the
 * same paths: `/bytes/N` and `/chunked/N` with and without a length, `/post`, `/empty`, `/same`, `/trailers`, `/hints`.
 */
export interface ReferenceBackend {
  readonly port: number;
  /** Connections that it has had. */
  connections(): number;
  close(): void;
}

/** `length` bytes that do not repeat soon, so that a piece that is lost, doubled or moved shows. */
export function bytesOf(length: number): Buffer {
  let bytes = made.get(length);
  if (bytes === undefined) {
    bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = (Math.imul(i, 0x9e3779b1) >>> 24) ^ (i & 0xff);
    made.set(length, bytes);
  }
  return bytes;
}
const made = new Map<number, Buffer>();

/** SHA-256 in hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const hashes = new Map<number, string>();

/** The hash of {@link bytesOf}. */
export function hashOf(length: number): string {
  let hash = hashes.get(length);
  if (hash === undefined) {
    hash = sha256(bytesOf(length));
    hashes.set(length, hash);
  }
  return hash;
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const [, what, size] = request.url!.split('/');
  const length = Number(size ?? 0);
  if (what === 'bytes') {
    response.writeHead(200, { 'content-length': length, 'x-sha256': hashOf(length) });
    response.end(request.method === 'HEAD' ? undefined : bytesOf(length));
  } else if (what === 'chunked') {
    const bytes = bytesOf(length);
    response.writeHead(200, { 'x-sha256': hashOf(length) });
    for (let at = 0; at < length; at += 100_000) response.write(bytes.subarray(at, at + 100_000));
    response.end();
  } else if (what === 'post') {
    const hash = createHash('sha256');
    let received = 0;
    request.on('data', (data: Buffer) => {
      hash.update(data);
      received += data.length;
    });
    request.on('end', () => {
      response.setHeader('x-got-trailer', request.trailers['x-sum'] ?? '');
      response.end(`${received} ${hash.digest('hex')}`);
    });
  } else if (what === 'empty') {
    response.writeHead(204).end();
  } else if (what === 'same') {
    const same = request.headers['if-none-match'] === '"same"';
    response.writeHead(same ? 304 : 200, { etag: '"same"' }).end(same ? undefined : 'same');
  } else if (what === 'trailers') {
    response.writeHead(200, { trailer: 'x-sum' });
    response.write('with ');
    response.addTrailers({ 'x-sum': '42' });
    response.end('trailers');
  } else if (what === 'hints') {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    response.end('hinted');
  } else response.writeHead(404).end();
}

/** Over HTTP/1.1, with an upgrade to `echo`. */
export async function startReference1(): Promise<ReferenceBackend> {
  const server = http.createServer({ keepAliveTimeout: 60_000 }, answer);
  const upgraded = new Set<Socket>();
  let connections = 0;
  server.on('connection', () => connections++);
  server.on('upgrade', (request, socket: Socket, head) => {
    if (request.headers.upgrade !== 'echo') return void socket.destroy();
    upgraded.add(socket);
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.write(head);
    socket.pipe(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: () => {
      for (const socket of upgraded) socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Over HTTP/2 in cleartext. */
export async function startReference2(): Promise<ReferenceBackend> {
  const sessions = new Set<http2.ServerHttp2Session>();
  let connections = 0;
  // Node's HTTP/2 offers the interface of its HTTP/1.1 under types of its own.
  const server = http2.createServer(answer as never);
  // It knows the expectation by its lower case only, and Java's client sends `100-Continue` (RFC 9110 10.1.1: either will do).
  server.on('checkExpectation', (request, response) => {
    response.writeContinue();
    answer(request as never, response as never);
  });
  server.on('session', (session) => {
    connections++;
    sessions.add(session);
    session.on('error', () => {});
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
