import { mkdtempSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOfLength, residentBytes } from '../support/large-answers.ts';
import { RawHttp1 } from '../support/raw-http1.ts';
import { type RunningSerin, startSerin } from '../support/serin.ts';

const MiB = 1024 * 1024;

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: big}
spec: {prefix: /, rewrite: "", service: "big:80", timeout_ms: 0}
`;

describe('HTTP/1.1 clients that are slow', () => {
  const backend = http.createServer(answerOfLength);
  /** Connections that the gateway has to it. */
  const taken = new Set<net.Socket>();
  let serin: RunningSerin;
  let worker: number;
  let port: number;

  backend.on('connection', (socket) => {
    taken.add(socket);
    socket.on('close', () => taken.delete(socket));
  });

  beforeAll(async () => {
    await new Promise<void>((done) => backend.listen(0, '127.0.0.1', done));
    const folder = mkdtempSync(join(tmpdir(), 'serin-slow-'));
    writeFileSync(join(folder, 'big.yaml'), manifest);
    const service = `big:80=127.0.0.1:${(backend.address() as AddressInfo).port}`;
    serin = await startSerin([folder, '--workers', '1', '--resolve', service]);
    worker = (await serin.children()).workers[0]!;
    port = Number(serin.listen.split(':')[1]);
  });

  afterAll(async () => {
    await serin.stop();
    backend.closeAllConnections();
    backend.close();
  });

  async function isServed(): Promise<void> {
    const client = await RawHttp1.connect(port);
    client.send('GET /1000 HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.answer()).body.length).toBe(1000);
    client.destroy();
  }

  it('cost at most 256 KiB each when they stop reading a large answer, and give it back', async () => {
    await isServed();
    const before = residentBytes(worker);
    const sockets: net.Socket[] = [];
    for (let n = 0; n < 1000; n++) {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.pause();
      socket.write(`GET /${100 * MiB} HTTP/1.1\r\nHost: a\r\n\r\n`);
      sockets.push(socket);
    }
    await new Promise((done) => setTimeout(done, 5000));
    const stalled = residentBytes(worker) - before;
    console.log(`1,000 readers that stopped: ${(stalled / 1000 / 1024).toFixed(1)} KiB each`);
    expect(stalled).toBeLessThan(1000 * 256 * 1024 + 32 * MiB);
    await isServed();
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => taken.size, { timeout: 5000 }).toBeLessThan(20);
    await isServed();
  });

  it('cost little when they send a byte a second', async () => {
    await isServed();
    const before = residentBytes(worker);
    const text = 'GET /1000 HTTP/1.1\r\nHost: a\r\nX-Slow: ';
    const sockets: net.Socket[] = [];
    for (let n = 0; n < 1000; n++) {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => {});
      sockets.push(socket);
    }
    for (let at = 0; at < text.length; at++) {
      for (const socket of sockets) socket.write(text[at]!);
      await new Promise((done) => setTimeout(done, 20));
    }
    const cost = (residentBytes(worker) - before) / 1000;
    console.log(`1,000 clients that drip: ${(cost / 1024).toFixed(1)} KiB each`);
    expect(cost).toBeLessThan(256 * 1024);
    await isServed();
    for (const socket of sockets) socket.destroy();
  });
});
