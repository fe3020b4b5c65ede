import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type Recorder, startPlane, startRecorder, type TestPlane } from '../support/data-plane.ts';

/*
 * Endpoints that go while calls wait for a connection to them, as pods do that a scale-down takes away before they have answered.
 */

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).reverse()) await close();
});

test('a call whose endpoints go, one after another, is served by the one that is left', async () => {
  const mute = await Promise.all(Array.from({ length: 6 }, startMute));
  const recorder = await startLive();
  const plane = await start(mapping('slow', ''), { 'slow:80': [mute[0]!] });
  const call = get(plane);
  for (const port of mute.slice(1)) {
    await wait(20);
    point(plane, 'slow.default:80', [port]);
  }
  await wait(20);
  point(plane, 'slow.default:80', [recorder.port]);
  expect(await call).toBe(200);
});

test('a call that waits for one of many is served when only another is left', async () => {
  const mute = await startMute();
  const recorder = await startLive();
  const plane = await start(mapping('slow', ''), { 'slow:80': [mute] });
  const call = get(plane);
  await wait(20);
  // The first has failed for this call when the second becomes the only one.
  point(plane, 'slow.default:80', [recorder.port]);
  expect(await call).toBe(200);
  expect(recorder.requests).toHaveLength(1);
});

test('a call that was drawn for a canary whose last endpoint goes is served by stable', async () => {
  const mute = await startMute();
  const recorder = await startLive();
  const manifest = `${mapping('stable', '')}---\n${mapping('canary', ', weight: 50')}`;
  const plane = await start(manifest, { 'stable:80': [recorder.port], 'canary:80': [mute] });
  const calls = Array.from({ length: 20 }, () => get(plane));
  await wait(50);
  expect(recorder.requests).toHaveLength(10);
  point(plane, 'canary.default:80', []);
  expect(new Set(await Promise.all(calls))).toEqual(new Set([200]));
  expect(recorder.requests).toHaveLength(20);
});

test('a canary that has all and loses its last endpoint leaves its calls to stable', async () => {
  const mute = await startMute();
  const recorder = await startLive();
  const manifest = `${mapping('stable', '')}---\n${mapping('canary', ', weight: 100')}`;
  const plane = await start(manifest, { 'stable:80': [recorder.port], 'canary:80': [mute] });
  const calls = Array.from({ length: 5 }, () => get(plane));
  await wait(50);
  expect(recorder.requests).toHaveLength(0);
  point(plane, 'canary.default:80', []);
  expect(new Set(await Promise.all([...calls, get(plane)]))).toEqual(new Set([200]));
});

async function start(
  manifest: string,
  resolve: Readonly<Record<string, readonly number[]>>,
): Promise<TestPlane> {
  const plane = await startPlane(manifest, resolve);
  cleanUp.push(plane.close);
  return plane;
}

async function startLive(): Promise<Recorder> {
  const recorder = await startRecorder();
  cleanUp.push(recorder.close);
  return recorder;
}

function mapping(name: string, more: string): string {
  return `apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: ${name}}\nspec: {prefix: /, grpc: true, service: "${name}:80"${more}}\n`;
}

/** Makes these the endpoints of a service. */
function point({ plane }: TestPlane, service: string, ports: readonly number[]): void {
  const endpoints = ports.map((port) => ({ address: '127.0.0.1', port, version: 'v1' }));
  const known = {
    service,
    state: 'known',
    endpoints,
    version: 'v1',
    everReady: true,
    problem: null,
  } as const;
  plane.applyEndpoints({ set: [known], delete: [] });
}

/** A server that takes connections and never says a word: no connection to it is ready. */
async function startMute(): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** The status of a call. */
function get({ port }: TestPlane): Promise<number> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  cleanUp.push(() => session.destroy());
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    const request = session.request({ ':path': '/' });
    request.on('response', (headers) => resolve(Number(headers[':status'])));
    request.on('error', reject);
    request.resume();
  });
}
