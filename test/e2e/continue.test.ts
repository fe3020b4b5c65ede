import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { RawHttp1 } from '../support/raw-http1.ts';
import { block, frame, RawClient } from '../support/raw-http2.ts';
import { type StrictBackend, startStrictBackend } from '../support/strict-backend.ts';

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: all}
spec: {prefix: /, rewrite: "", service: "all:80", timeout_ms: 500}
`;

let backend: StrictBackend;
let plane: TestPlane;

beforeEach(async () => {
  backend = await startStrictBackend();
  const limits = { body_bytes: 1000, body_timeout: 1000 };
  plane = await startPlane(manifest, { 'all:80': [backend.port] }, { limits });
});

afterEach(async () => {
  await plane.close();
  backend.close();
});

/** A client of HTTP/1.1 that was told to go on. */
async function continued(): Promise<RawHttp1> {
  const client = await RawHttp1.connect(plane.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n');
  expect((await client.answer()).status).toBe(100);
  return client;
}

describe('behind 100 (Continue) a call is answered as any other', () => {
  it('413 where the body is too long', async () => {
    const client = await continued();
    client.send(`5dc\r\n${'x'.repeat(1500)}\r\n0\r\n\r\n`);
    expect((await client.answer()).status).toBe(413);
    client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.answer()).status).toBe(200);
    client.destroy();
  });

  it('503 where the upstream goes', async () => {
    const client = await continued();
    backend.close();
    expect((await client.answer()).status).toBe(503);
    client.destroy();
  });

  it('408 where the body does not come', async () => {
    const client = await continued();
    expect((await client.answer()).status).toBe(408);
    expect(plane.hits('body_timeout')).toBe(1);
    client.destroy();
  });

  it('413 over HTTP/2', async () => {
    const client = await RawClient.connect(plane.port);
    const fields = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'a'],
      ['expect', '100-continue'],
    ] as const;
    client.send(frame(1, 4, 1, block(fields)));
    await client.until(() => client.status(1) === '100');
    client.send(frame(0, 1, 1, Buffer.alloc(1500)));
    expect(await client.until(() => client.ended(1))).toBe(true);
    expect(client.head(1, 1)).toContainEqual(expect.objectContaining({ name: ':status', value: '413' }));
    client.close();
  });
});

describe('heads of 1xx without end', () => {
  it('end with 502: a client that does not read would be sent them for ever', async () => {
    const upstream = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1000)));
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const endless = await startPlane(manifest, { 'all:80': [(upstream.address() as AddressInfo).port] });
    try {
      const client = await RawHttp1.connect(endless.port);
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const statuses: number[] = [];
      while (!statuses.includes(502)) statuses.push((await client.answer()).status);
      expect(statuses).toEqual([...Array.from({ length: 100 }, () => 103), 502]);
      client.destroy();
    } finally {
      await endless.close();
      upstream.close();
    }
  });
});
