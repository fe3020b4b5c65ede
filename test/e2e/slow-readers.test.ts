import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Recorder, startRecorder } from '../support/data-plane.ts';
import { frame, RawClient, uint32 } from '../support/raw-http2.ts';
import { type RunningSerin, startSerin } from '../support/serin.ts';

const MiB = 1024 * 1024;

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: big}
spec: {prefix: /, rewrite: "", service: "big:80", grpc: true, timeout_ms: 0}
`;

/** Resident memory of a process in bytes. */
function rss(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

describe('slow readers', () => {
  let backend: Recorder;
  let serin: RunningSerin;
  let worker: number;
  let port: number;

  beforeAll(async () => {
    // /N answers with N bytes, as fast as they are taken.
    backend = await startRecorder((stream, headers) => {
      let left = Number(String(headers[':path']).slice(1));
      const piece = Buffer.alloc(64 * 1024, 0x61);
      stream.respond({ ':status': 200 });
      const more = (): void => {
        while (left > 0 && !stream.destroyed) {
          const length = Math.min(left, piece.length);
          left -= length;
          if (!stream.write(piece.subarray(0, length))) {
            stream.once('drain', more);
            return;
          }
        }
        if (!stream.destroyed) stream.end();
      };
      more();
      stream.resume();
    });
    const folder = mkdtempSync(join(tmpdir(), 'serin-slow-'));
    writeFileSync(join(folder, 'big.yaml'), manifest);
    serin = await startSerin([folder, '--workers', '1', '--resolve', `big:80=127.0.0.1:${backend.port}`]);
    worker = (await serin.children()).workers[0]!;
    port = Number(serin.listen.split(':')[1]);
  });

  afterAll(async () => {
    await serin.stop();
    backend.close();
  });

  /** A small request is answered at once. */
  async function isServed(withinMs: number): Promise<void> {
    const client = await RawClient.connect(port);
    client.get(1, '/1000');
    expect(await client.until(() => client.ended(1), withinMs)).toBe(true);
    expect(client.body(1).length).toBe(1000);
    client.close();
  }

  it('costs under 64 MB for a stream of 100 MB to a reader that stops and goes', async () => {
    await isServed(5000);
    const before = rss(worker);
    let most = 0;
    const client = await RawClient.connect(port, { window: 1 * MiB });
    client.send(frame(8, 0, 0, uint32(200 * MiB)));
    client.get(1, `/${100 * MiB}`);
    let taken = 0;
    let credited = 0;
    const total = (): number => client.of(1, 0).reduce((sum, f) => sum + f.payload.length, 0);
    while (!client.ended(1)) {
      client.stopReading();
      await new Promise((resolve) => setTimeout(resolve, 10));
      most = Math.max(most, rss(worker));
      client.startReading();
      await new Promise((resolve) => setTimeout(resolve, 2));
      taken += total();
      client.frames.length = client.ended(1) ? client.frames.length : 0;
      if (taken > credited) client.send(frame(8, 0, 1, uint32(taken - credited)));
      credited = taken;
      if (client.closed) break;
    }
    expect(taken).toBe(100 * MiB);
    console.log(`100 MB to a slow reader: ${((most - before) / MiB).toFixed(1)} MiB more at most`);
    expect(most - before).toBeLessThan(64 * MiB);
    client.close();
  });

  it('costs at most 256 KiB for each of 1,000 stalled streams, and gives it back', async () => {
    const before = rss(worker);
    const client = await RawClient.connect(port, { window: 0 });
    for (let n = 0; n < 1000; n++) client.get(1 + 2 * n, `/${4 * MiB}`);
    await client.until(() => client.of(1999, 1).length > 0, 10_000);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const stalled = rss(worker) - before;
    console.log(`1,000 stalled streams: ${(stalled / 1000 / 1024).toFixed(1)} KiB each`);
    expect(stalled).toBeLessThan(1000 * 256 * 1024 + 32 * MiB);
    // Others on the same connections to the backend are served meanwhile.
    await isServed(2000);
    // Half of them are reset, the others go with the connection: what was queued is credited again.
    for (let n = 0; n < 500; n++) client.send(frame(3, 0, 1 + 2 * n, uint32(8)));
    await isServed(2000);
    client.close();
    const large = await RawClient.connect(port, { window: 64 * MiB });
    large.send(frame(8, 0, 0, uint32(64 * MiB)));
    large.get(1, `/${16 * MiB}`);
    expect(await large.until(() => large.ended(1), 10_000)).toBe(true);
    large.close();
    await isServed(2000);
  });

  it('lets all others go on beside two clients that never read', async () => {
    const deaf = [
      await RawClient.connect(port, { window: 8 * MiB }),
      await RawClient.connect(port, { window: 8 * MiB }),
    ];
    for (const client of deaf) {
      client.send(frame(8, 0, 0, uint32(1024 * MiB)));
      client.stopReading();
      for (let n = 0; n < 90; n++) client.get(1 + 2 * n, `/${MiB}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (let n = 0; n < 50; n++) await isServed(1000);
    for (const client of deaf) client.close();
  });
});
