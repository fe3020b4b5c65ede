import type http2 from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Recorder, startPlane, startRecorder, type TestPlane } from '../support/data-plane.ts';
import { RawHttp1 } from '../support/raw-http1.ts';
import { block, frame, RawClient } from '../support/raw-http2.ts';
import { until } from '../support/serin.ts';

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: all}
spec: {prefix: /, rewrite: "", service: "all:80", grpc: true, timeout_ms: 0}
`;
const grpc = ['content-type', 'application/grpc'] as const;
const post = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/silent'],
  [':authority', 'a'],
] as const;

let backend: Recorder;
let plane: TestPlane;
let silent: http2.ServerHttp2Stream[];

beforeEach(async () => {
  silent = [];
  // /silent answers nothing, everything else 1 MB or what fits into a window.
  backend = await startRecorder((stream, headers) => {
    stream.resume();
    if (headers[':path'] === '/silent') return void silent.push(stream);
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(headers[':path'] === '/large' ? 1_000_000 : 1000));
  });
  const limits = { body_timeout: 1000, stream_idle_timeout: 1500 };
  plane = await startPlane(manifest, { 'all:80': [backend.port] }, { limits });
});

afterEach(async () => {
  await plane.close();
  backend.close();
});

const isClosed = (): boolean => plane.counter('DOWNSTREAM_CLOSED') === plane.counter('DOWNSTREAM_OPENED');

describe('a client that sends FIN', () => {
  it('and whose windows are used up is let go', async () => {
    const client = await RawClient.connect(plane.port, { window: 2000 });
    client.get(1, '/large', [grpc]);
    client.get(3, '/small', [grpc]);
    await client.until(() => client.body(1).length === 2000 && client.ended(3));
    client.socket.end();
    expect(await client.until(() => client.closed, 4000)).toBe(true);
    expect(client.reset(1)).toBe(8);
    await until(() => backend.requests.length === 2 && isClosed(), 2000);
  });

  it('gets the answers that fit into its windows beside one that does not', async () => {
    const client = await RawClient.connect(plane.port, { window: 2000 });
    client.get(1, '/large', [grpc]);
    client.get(3, '/silent', [grpc]);
    await client.until(() => client.body(1).length === 2000 && silent.length === 1);
    client.socket.end();
    expect(await client.until(() => client.reset(1) === 8, 3000)).toBe(true);
    expect(client.reset(3)).toBe(null);
    silent[0]!.respond({ ':status': 200 });
    silent[0]!.end('late');
    expect(await client.until(() => client.closed, 3000)).toBe(true);
    expect(String(client.body(3))).toBe('late');
    expect(client.ended(3)).toBe(true);
  });

  it('in the middle of its body ends its call and its connection', async () => {
    const client = await RawClient.connect(plane.port);
    client.send(frame(1, 4, 1, block([...post, grpc])));
    client.send(frame(0, 0, 1, Buffer.from('some')));
    await client.until(() => silent.length === 1);
    client.socket.end();
    expect(await client.until(() => client.closed, 2000)).toBe(true);
    await until(() => silent[0]!.destroyed && isClosed(), 2000);
  });

  it('and is gone is found out though its gRPC call is silent', async () => {
    const client = await RawClient.connect(plane.port);
    client.get(1, '/silent', [grpc]);
    await client.until(() => silent.length === 1);
    client.close();
    await until(() => silent[0]!.destroyed && isClosed(), 5000);
  });

  it('over HTTP/1.1 ends its call in the middle of a body, and is not waited for without end', async () => {
    const client = await RawHttp1.connect(plane.port);
    client.send('POST /silent HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nsome');
    await until(() => silent.length === 1, 2000);
    client.end();
    expect(await client.ended()).toBe(true);
    const gone = await RawHttp1.connect(plane.port);
    gone.send(
      'POST /silent HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n',
    );
    await until(() => silent.length === 2, 2000);
    gone.destroy();
    await until(() => silent.every((stream) => stream.destroyed) && isClosed(), 5000);
  });
});
