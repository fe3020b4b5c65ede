import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import * as grpc from '@grpc/grpc-js';
import type WebSocket from 'ws';
import { kinds, streamedMessages } from '../support/kinds-server.ts';
import { open1 } from '../support/websocket.ts';
import { roomy } from './backends.ts';

/** How a call ended for the one that made it; a call that went wrong rejects. */
export type Ending = 'answered' | 'aborted';

/** A sort of traffic: makes one call, or breaks it off in the middle where it was told to. */
export type Sort = (size: number, abort: boolean) => Promise<Ending>;

/** What everybody sends pieces of. */
const payload = Buffer.allocUnsafe(4 * 1024 * 1024);
for (let i = 0; i < payload.length; i += 4) payload.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i);

/** Sizes of bodies, in bytes: most are small. */
export const sizes: readonly number[] = [
  0, 1, 100, 100, 600, 600, 1024, 1024, 4000, 16_385, 65_536, 262_144, 1_048_576, 4_194_304,
];

/** Clients of all protocols at one port, which speaks TLS too for `mixed.test`. */
export class Users {
  readonly sorts: Readonly<Record<string, Sort>>;
  readonly #port: number;
  readonly #close: (() => void)[] = [];

  constructor(port: number, authority: string) {
    this.#port = port;
    const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
    const secureAgent = new https.Agent({ keepAlive: true, maxSockets: 16, ca: authority });
    const session = this.#session(`http://127.0.0.1:${port}`, {});
    const secureSession = this.#session(`https://127.0.0.1:${port}`, {
      ca: authority,
      servername: 'mixed.test',
    });
    const channel = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    this.#close.push(
      () => agent.destroy(),
      () => secureAgent.destroy(),
      () => channel.close(),
    );
    const plain = { agent, port, host: '127.0.0.1' };
    const secure = { agent: secureAgent, port, host: '127.0.0.1', servername: 'mixed.test' };
    this.sorts = {
      'HTTP/1.1 to HTTP/1.1': (size, abort) => http1(http, plain, '/plain/', size, abort),
      'HTTP/1.1 to HTTP/2': (size, abort) => http1(http, plain, '/plain2/', size, abort),
      'HTTP/1.1 with a connection of its own': (size, abort) =>
        http1(http, { ...plain, agent: false }, '/plain/', size, abort),
      'HTTPS/1.1': (size, abort) => http1(https, secure, '/plain/', size, abort),
      'HTTP/2 to HTTP/2': (size, abort) => http2Call(session(), '/plain2/', size, abort),
      'HTTP/2 to HTTP/1.1': (size, abort) => http2Call(session(), '/plain/', size, abort),
      'HTTP/2 over TLS': (size, abort) => http2Call(secureSession(), '/plain2/', size, abort),
      'gRPC unary': (size, abort) => unary(channel, size, abort),
      'gRPC server stream': (size, abort) => serverStream(channel, size, abort),
      'gRPC both ways': (size, abort) => bothWays(channel, size, abort),
      'gRPC-Web': (size) => this.#grpcWeb(size),
      WebSocket: (size, abort) => this.#websocket(size, abort),
    };
  }

  /** Closes every connection. */
  close(): void {
    for (const close of this.#close) close();
  }

  /** A session that is opened again when it has gone. */
  #session(url: string, options: http2.SecureClientSessionOptions): () => http2.ClientHttp2Session {
    let session: http2.ClientHttp2Session | null = null;
    this.#close.push(() => session?.destroy());
    return () => {
      if (session === null || session.closed || session.destroyed) {
        session = http2.connect(url, { ...options, maxSessionMemory: roomy });
        session.on('error', () => {});
      }
      return session;
    };
  }

  async #grpcWeb(size: number): Promise<Ending> {
    const message = framed(size);
    const answer = await fetch(`http://127.0.0.1:${this.#port}/serin.Kinds/Unary`, {
      method: 'POST',
      headers: { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' },
      body: message,
    });
    const body = Buffer.from(await answer.arrayBuffer());
    if (!body.subarray(0, message.length).equals(message))
      throw new Error(`gRPC-Web: ${answer.status}, another body`);
    if (!body.subarray(message.length).includes('grpc-status: 0')) throw new Error('gRPC-Web: no status 0');
    return 'answered';
  }

  async #websocket(size: number, abort: boolean): Promise<Ending> {
    const socket: WebSocket = await open1(this.#port, '/ws/', { perMessageDeflate: size % 2 === 0 });
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    const sent = payload.subarray(0, size);
    socket.send(sent);
    if (abort) socket.terminate();
    else {
      const [data] = (await Promise.race([once(socket, 'message'), closed])) as [Buffer];
      if (!Buffer.isBuffer(data) || !data.equals(sent)) throw new Error('WebSocket: another message');
      socket.close(1000);
    }
    await closed;
    return abort ? 'aborted' : 'answered';
  }
}

/** Sends a body and compares what comes back; with `abort` the call ends in the middle. */
async function http1(
  module: { request: typeof http.request },
  options: https.RequestOptions,
  path: string,
  size: number,
  abort: boolean,
): Promise<Ending> {
  const chunked = size % 3 === 0;
  const headers: http.OutgoingHttpHeaders = chunked
    ? { 'transfer-encoding': 'chunked' }
    : { 'content-length': size };
  const request = module.request({ ...options, method: 'POST', path, headers });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
  });
  answered.catch(() => {});
  if (abort) return broken(request, size, () => request.destroy());
  request.end(payload.subarray(0, size));
  const answer = await answered;
  if (answer.statusCode !== 200)
    throw new Error(`${path}: ${answer.statusCode} ${answer.headers['x-serin-reason']}`);
  await same(answer, size, path);
  return 'answered';
}

async function http2Call(
  session: http2.ClientHttp2Session,
  path: string,
  size: number,
  abort: boolean,
): Promise<Ending> {
  const stream = session.request({ ':method': 'POST', ':path': path, ':authority': 'mixed.test' });
  let status = 0;
  stream.on('response', (headers) => {
    status = Number(headers[':status']);
  });
  if (abort) return broken(stream, size, () => stream.close(http2.constants.NGHTTP2_CANCEL));
  stream.end(payload.subarray(0, size));
  await same(stream, size, path);
  if (status !== 200) throw new Error(`${path}: ${status}`);
  return 'answered';
}

/** Sends half of what it should and goes away. */
async function broken(out: Duplex | http.ClientRequest, size: number, end: () => void): Promise<Ending> {
  out.on('error', () => {});
  const closed = once(out, 'close').catch(() => {});
  out.write(payload.subarray(0, Math.max(1, size >> 1)));
  if ('resume' in out) out.resume();
  await new Promise((resolve) => setTimeout(resolve, 5));
  end();
  await closed;
  return 'aborted';
}

async function same(body: AsyncIterable<Buffer>, size: number, what: string): Promise<void> {
  let at = 0;
  for await (const piece of body) {
    if (piece.compare(payload, at, Math.min(size, at + piece.length)) !== 0)
      throw new Error(`${what}: another body`);
    at += piece.length;
  }
  if (at !== size) throw new Error(`${what}: ${at} bytes in place of ${size}`);
}

function framed(size: number): Buffer {
  const message = Buffer.allocUnsafe(5 + size);
  message.writeUInt8(0, 0);
  message.writeUInt32BE(size, 1);
  payload.copy(message, 5, 0, size);
  return message;
}

/** grpc-js takes messages of at most 4 MiB. */
const message = (size: number): Buffer => payload.subarray(0, Math.min(size, 1_048_576));

function unary(channel: grpc.Client, size: number, abort: boolean): Promise<Ending> {
  const { Unary } = kinds;
  const sent = message(size);
  return new Promise((resolve, reject) => {
    const call = channel.makeUnaryRequest(
      Unary.path,
      Unary.requestSerialize,
      Unary.responseDeserialize,
      sent,
      { deadline: Date.now() + 30_000 },
      (error, value) => {
        if (error !== null) ended(error, abort, resolve, reject);
        else if (sent.equals(value!)) resolve('answered');
        else reject(new Error('gRPC unary: another message'));
      },
    );
    if (abort) setImmediate(() => call.cancel());
  });
}

function serverStream(channel: grpc.Client, size: number, abort: boolean): Promise<Ending> {
  const { ServerStream } = kinds;
  const sent = message(Math.min(size, 65_536));
  const call = channel.makeServerStreamRequest(
    ServerStream.path,
    ServerStream.requestSerialize,
    ServerStream.responseDeserialize,
    sent,
  );
  let messages = 0;
  return new Promise((resolve, reject) => {
    call.on('data', (value: Buffer) => {
      if (!value.equals(sent)) reject(new Error('gRPC server stream: another message'));
      if (++messages === 3 && abort) call.cancel();
    });
    call.on('error', (error: grpc.ServiceError) => ended(error, abort, resolve, reject));
    call.on('end', () => {
      if (messages === streamedMessages) resolve('answered');
      else if (!abort) reject(new Error(`gRPC server stream: ${messages} messages`));
    });
  });
}

function bothWays(channel: grpc.Client, size: number, abort: boolean): Promise<Ending> {
  const { Bidi } = kinds;
  const sent = message(size);
  const call = channel.makeBidiStreamRequest(Bidi.path, Bidi.requestSerialize, Bidi.responseDeserialize);
  let messages = 0;
  return new Promise((resolve, reject) => {
    call.on('data', (value: Buffer) => {
      if (!value.equals(sent)) return reject(new Error('gRPC both ways: another message'));
      if (++messages < 3) call.write(sent);
      else if (abort) call.cancel();
      else call.end();
    });
    call.on('error', (error: grpc.ServiceError) => ended(error, abort, resolve, reject));
    call.on('end', () => {
      if (messages === 3) resolve(abort ? 'aborted' : 'answered');
    });
    call.write(sent);
  });
}

function ended(
  error: grpc.ServiceError,
  abort: boolean,
  resolve: (ending: Ending) => void,
  reject: (error: Error) => void,
): void {
  if (abort && error.code === grpc.status.CANCELLED) resolve('aborted');
  else reject(error);
}
