import { connect, createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startForAll } from '../support/mapping.ts';

let backend: Http2Server;
beforeAll(async () => {
  // Answers after as many milliseconds as the path says.
  backend = createServer((request, response) => {
    setTimeout(() => response.end('done'), Number(request.url.slice(1)));
  });
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
});
afterAll(() => void backend.close());

/** Calls and tells how the call ended, and whether the gateway has said goodbye. */
function call(listen: string, delayMs: number) {
  const session = connect(`http://${listen}`);
  session.on('error', () => {});
  let goodbye = false;
  session.on('goaway', () => {
    goodbye = true;
  });
  const stream = session.request({ ':path': `/${delayMs}` });
  const result = new Promise<string>((resolve) => {
    const body: string[] = [];
    stream.setEncoding('utf8');
    stream.on('data', (data: string) => body.push(data));
    stream.on('end', () => resolve(body.join('')));
    stream.on('error', (error) => resolve(error.message));
  });
  stream.end();
  return { result, goodbye: () => goodbye, close: () => session.destroy() };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('SIGTERM while calls run', () => {
  test('GOAWAY at once, the running call finishes, then exit code 0', async () => {
    const serin = await startForAll((backend.address() as AddressInfo).port, ['--drain-timeout', '10s']);
    const running = call(serin.listen, 1200);
    await sleep(200);
    serin.kill('SIGTERM');
    await sleep(400);
    expect(running.goodbye()).toBe(true);
    expect(await running.result).toBe('done');
    expect(await serin.ended).toBe(0);
    running.close();
  });

  test('a call that outlasts --drain-timeout is cut, exit code 0', async () => {
    const serin = await startForAll((backend.address() as AddressInfo).port, ['--drain-timeout', '300ms']);
    const running = call(serin.listen, 2500);
    await sleep(200);
    const began = performance.now();
    serin.kill('SIGTERM');
    expect(await serin.ended).toBe(0);
    expect(performance.now() - began).toBeLessThan(1500);
    expect(await running.result).not.toBe('done');
    running.close();
  });

  test('a second signal ends at once', async () => {
    const serin = await startForAll((backend.address() as AddressInfo).port);
    const running = call(serin.listen, 2500);
    await sleep(200);
    serin.kill('SIGTERM');
    await sleep(100);
    const began = performance.now();
    serin.kill('SIGTERM');
    expect(await serin.ended).toBe(0);
    expect(performance.now() - began).toBeLessThan(500);
    running.close();
  });
});
