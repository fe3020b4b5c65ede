import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type WebSocket from 'ws';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { RawHttp1 } from '../support/raw-http1.ts';
import { type EchoServer, open1, open2, startEcho1, startEcho2 } from '../support/websocket.ts';

const mapping = (name: string, more: string): string => `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: ${name}}
spec: {prefix: /${name}/, service: "${name}:80", ${more}}
---
`;
const manifest =
  mapping('h1', 'allow_upgrade: [WebSocket]') +
  mapping('h2', 'grpc: true, allow_upgrade: [websocket]') +
  mapping('old', 'use_websocket: true') +
  mapping('none', 'timeout_ms: 0');

let echo1: EchoServer;
let echo2: EchoServer;
let plane: TestPlane;

beforeAll(async () => {
  echo1 = await startEcho1();
  echo2 = await startEcho2();
  plane = await startPlane(manifest, {
    'h1:80': [echo1.port],
    'h2:80': [echo2.port],
    'old:80': [echo1.port],
    'none:80': [echo1.port],
  });
});

afterAll(async () => {
  await plane.close();
  echo1.close();
  echo2.close();
});

const sizes = [0, 125, 126, 65_535, 65_536, 16 * 1024 * 1024];

async function echoes(socket: WebSocket, message: Buffer, binary = true): Promise<void> {
  const back = once(socket, 'message') as Promise<[Buffer, boolean]>;
  socket.send(message, { binary });
  const [data, isBinary] = await back;
  expect(isBinary).toBe(binary);
  expect(data.length).toBe(message.length);
  expect(createHash('sha1').update(data).digest('hex')).toBe(
    createHash('sha1').update(message).digest('hex'),
  );
}

const ways = [
  ['HTTP/1.1', 'HTTP/1.1', () => open1(plane.port, '/h1/x'), () => echo1],
  ['HTTP/2', 'HTTP/1.1', () => open2(plane.port, '/h1/x'), () => echo1],
  ['HTTP/1.1', 'HTTP/2', () => open1(plane.port, '/h2/x'), () => echo2],
  ['HTTP/2', 'HTTP/2', () => open2(plane.port, '/h2/x'), () => echo2],
] as const;

describe.each(ways)('WebSocket from %s to %s', (from, _to, open, server) => {
  it('brings messages of all sizes, pings and the close code, byte for byte', async () => {
    const socket = await open();
    for (const size of sizes) {
      const message = Buffer.alloc(size);
      for (let i = 0; i < size; i += 1 + (size >> 8)) message[i] = i * 7;
      await echoes(socket, message);
    }
    await echoes(socket, Buffer.from('häll – 灰'), false);
    const pong = once(socket, 'pong');
    socket.ping('are you there');
    expect(String((await pong)[0])).toBe('are you there');
    const back = once(socket, 'message') as Promise<[Buffer]>;
    socket.send('one ', { fin: false });
    socket.send('two', { fin: true });
    expect(String((await back)[0])).toBe('one two');
    const { closes } = server();
    const before = closes.length;
    const closed = once(socket, 'close');
    socket.close(4321, 'enough');
    const [code] = await closed;
    // On Node's HTTP/2 streams, ws does not see the code that came back, with or without a gateway.
    if (from === 'HTTP/1.1') expect(code).toBe(4321);
    await expect.poll(() => closes.slice(before)).toEqual([4321]);
  });
});

describe('an upgrade', () => {
  it('keeps permessage-deflate, which is between the two ends', async () => {
    const socket = await open1(plane.port, '/h1/x', { perMessageDeflate: { threshold: 0 } });
    expect(socket.extensions).toContain('permessage-deflate');
    await echoes(socket, Buffer.alloc(100_000, 'abc'));
    socket.close();
  });

  it('works with the old word for it', async () => {
    const socket = await open1(plane.port, '/old/x');
    await echoes(socket, Buffer.from('x'));
    socket.close();
  });

  it('is ignored where the Mapping does not allow it: the answer is the server’s to the request without it', async () => {
    await expect(open1(plane.port, '/none/x')).rejects.toThrow('426');
    await expect(open2(plane.port, '/none/x')).rejects.toThrow('403');
  });

  it('that the upstream refuses is an answer as any, and the connection goes on', async () => {
    const upstream = http.createServer((request, response) => response.end(request.url));
    await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
    const address = upstream.address() as { port: number };
    const own = await startPlane(mapping('h1', 'allow_upgrade: [websocket]'), { 'h1:80': [address.port] });
    const client = await RawHttp1.connect(own.port);
    for (const n of [1, 2]) {
      client.send(
        `GET /h1/${n} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n`,
      );
      const answer = await client.answer();
      expect([answer.status, answer.body.toString()]).toEqual([200, `/${n}`]);
    }
    client.destroy();
    await own.close();
    upstream.closeAllConnections();
    upstream.close();
  });

  it('of HTTP/2 is never opened by an upstream that has not understood it', async () => {
    let answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    const upstream = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(answer));
    });
    await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
    const { port } = upstream.address() as net.AddressInfo;
    const own = await startPlane(mapping('h1', 'allow_upgrade: [websocket]'), { 'h1:80': [port] });
    await expect(open2(own.port, '/h1/x')).rejects.toThrow('502');
    answer =
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n';
    await expect(open2(own.port, '/h1/x')).rejects.toThrow('502');
    await own.close();
    upstream.close();
  });

  it('without a key is refused where the other side would never see it', async () => {
    const client = await RawHttp1.connect(plane.port);
    client.send('GET /h2/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect((await client.answer()).status).toBe(400);
    client.destroy();
  });

  it('to h2c is ignored', async () => {
    const client = await RawHttp1.connect(plane.port);
    client.send(
      'GET /h1/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
    );
    expect((await client.answer()).status).toBe(426);
    client.destroy();
  });
});
