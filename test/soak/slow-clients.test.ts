import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { answerOfLength, residentBytes } from '../support/large-answers.ts';
import { startSerin } from '../support/serin.ts';

const dripping = 8000;
const stalled = 1000;
const answerBytes = 100 * 1024 * 1024;
const MiB = 1024 * 1024;
/** How long the neighbour is timed. */
const timedMs = 10_000;

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: big}
spec: {prefix: /, rewrite: "", service: "big:80", timeout_ms: 0}
`;

/** Times calls of 1,000 bytes one after the other on a kept connection; the 99th percentile in ms. */
async function neighbour(port: number): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  const end = performance.now() + timedMs;
  while (performance.now() < end) {
    const begun = performance.now();
    const [response] = (await once(http.get({ port, agent, path: '/1000' }), 'response')) as [
      http.IncomingMessage,
    ];
    response.resume();
    await once(response, 'end');
    times.push(performance.now() - begun);
    expect(response.statusCode).toBe(200);
    await sleep(2);
  }
  agent.destroy();
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)]!;
}

async function open(port: number, count: number, first: string): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  for (let n = 0; n < count; n++) {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.pause();
    if (first !== '') socket.write(first);
    sockets.push(socket);
    if (n % 200 === 199) await sleep(20);
  }
  return sockets;
}

test(`${dripping} clients that send a byte a second, ${stalled} that read nothing, and one that is as ever`, async () => {
  const backend = http.createServer(answerOfLength);
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const file = join(mkdtempSync(join(tmpdir(), 'serin-slow-')), 'big.yaml');
  writeFileSync(file, manifest);
  const service = `big:80=127.0.0.1:${(backend.address() as AddressInfo).port}`;
  // A head that takes longer than this is answered 408: here the clients are to stay.
  const serin = await startSerin([
    file,
    '--workers',
    '1',
    '--limit',
    'head_timeout=600000',
    '--resolve',
    service,
  ]);
  const worker = (await serin.children()).workers[0]!;
  const port = Number(serin.listen.split(':')[1]);
  const sockets: net.Socket[] = [];
  try {
    const alone = await neighbour(port);
    const before = residentBytes(worker);
    const drips = await open(port, dripping, 'GET /1000 HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    sockets.push(...drips);
    // In a hundred groups, one every ten milliseconds.
    let turn = 0;
    const drip = setInterval(() => {
      for (let n = turn % 100; n < drips.length; n += 100) drips[n]!.write('x');
      turn++;
    }, 10);
    const besideDrips = await neighbour(port);
    const forDrips = residentBytes(worker) - before;
    sockets.push(...(await open(port, stalled, `GET /${answerBytes} HTTP/1.1\r\nHost: a\r\n\r\n`)));
    const besideAll = await neighbour(port);
    const asked = performance.now();
    expect((await fetch(`${serin.admin}/metrics`)).ok).toBe(true);
    expect(performance.now() - asked, 'ms for /metrics').toBeLessThan(1000);
    const forStalled = residentBytes(worker) - before - forDrips;
    clearInterval(drip);
    console.log(
      `${dripping} clients that drip: ${(forDrips / dripping / 1024).toFixed(1)} KiB each; ${stalled} stalled readers of 100 MiB: ` +
        `${(forStalled / stalled / 1024).toFixed(1)} KiB each; p99 of a neighbour: ${alone.toFixed(2)} ms alone, ` +
        `${besideDrips.toFixed(2)} beside the first, ${besideAll.toFixed(2)} beside all`,
    );
    expect(drips.filter((socket) => socket.destroyed)).toEqual([]);
    expect(forDrips).toBeLessThan(dripping * 256 * 1024 + 32 * MiB);
    expect(forStalled).toBeLessThan(stalled * 256 * 1024 + 32 * MiB);
    // The slow ones cost this process and the kernel time, too: ten times what it may be on a quiet machine.
    expect(besideAll).toBeLessThan(alone * 10 + 10);
  } finally {
    for (const socket of sockets) socket.destroy();
    await serin.stop();
    backend.closeAllConnections();
    backend.close();
  }
});
