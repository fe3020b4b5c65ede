import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPlane, type TestPlane } from '../support/data-plane.ts';

/** The Mapping's limit (ms), and how long the request's body takes. */
const limitMs = 300;
const bodyMs = 900;

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /, rewrite: "", service: "web:80", timeout_ms: ${limitMs}}
`;

const server = http.createServer((request, response) => {
  request.on('error', () => {});
  request.resume();
  if (request.url === '/silent') return;
  request.on('end', () => response.end('ok'));
});
let plane: TestPlane;

beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  plane = await startPlane(manifest, { 'web:80': [(server.address() as AddressInfo).port] });
});

afterAll(async () => {
  await plane.close();
  server.closeAllConnections();
  server.close();
});

/** Sends a body in four pieces; the status of the answer, and the ms from the body's last byte to it. */
async function upload1(path: string): Promise<[number, number]> {
  const request = http.request({ port: plane.port, path, method: 'POST', agent: false });
  const answered = new Promise<number>((resolve, reject) => {
    request.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    });
    request.on('error', reject);
  });
  for (let i = 0; i < 3; i++) {
    request.write('piece');
    await sleep(bodyMs / 3);
  }
  request.end('last');
  const since = performance.now();
  return [await answered, performance.now() - since];
}

async function upload2(path: string): Promise<[number, number]> {
  const session = http2.connect(`http://127.0.0.1:${plane.port}`);
  const stream = session.request({ ':method': 'POST', ':path': path });
  const answered = new Promise<number>((resolve, reject) => {
    stream.on('response', (headers) => resolve(Number(headers[':status'])));
    stream.on('error', reject);
  });
  stream.resume();
  for (let i = 0; i < 3; i++) {
    stream.write('piece');
    await sleep(bodyMs / 3);
  }
  stream.end('last');
  const since = performance.now();
  const status = await answered;
  const took = performance.now() - since;
  session.close();
  return [status, took];
}

describe.each([
  ['HTTP/1.1', upload1],
  ['HTTP/2', upload2],
])('timeout_ms is the time for the answer: over %s', (_, upload) => {
  it('a body that takes longer is no reason to cut the call', async () => {
    const [status] = await upload('/');
    expect(status).toBe(200);
  });

  it('behind the body it counts', async () => {
    const [status, took] = await upload('/silent');
    expect(status).toBe(504);
    expect(took).toBeGreaterThan(limitMs - 20);
    expect(took).toBeLessThan(limitMs * 3);
  });
});

it('a call whose request is its head alone has just that time', async () => {
  const since = performance.now();
  const answer = await fetch(`http://127.0.0.1:${plane.port}/silent`);
  expect(answer.status).toBe(504);
  const took = performance.now() - since;
  expect(took).toBeGreaterThan(limitMs - 20);
  expect(took).toBeLessThan(limitMs * 3);
});
