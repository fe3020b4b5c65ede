import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Recorder, startRecorder } from '../support/data-plane.ts';
import { scrape, sum } from '../support/scrape.ts';
import { type RunningSerin, startSerin, until } from '../support/serin.ts';

const manifest = readFileSync(new URL('../../examples/hello-grpc/hello-grpc.yaml', import.meta.url), 'utf8');
const calls = 300;

let serin: RunningSerin;
const servers: Recorder[] = [];

/** Answers a gRPC call after 200 ms ± 50. */
function slowly(stream: http2.ServerHttp2Stream): void {
  setTimeout(
    () => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    },
    150 + Math.random() * 100,
  );
}

beforeAll(async () => {
  servers.push(await startRecorder(slowly), await startRecorder(slowly));
  const file = join(mkdtempSync(join(tmpdir(), 'serin-cancelled-')), 'hello.yaml');
  writeFileSync(file, manifest);
  const resolve = (name: string, at: number) => [
    '--resolve',
    `${name}.default.svc.cluster.local:50051=127.0.0.1:${servers[at]!.port}`,
  ];
  serin = await startSerin([
    file,
    '--workers',
    '1',
    ...resolve('grpc-server', 0),
    ...resolve('grpc-server-canary', 1),
  ]);
});
afterAll(async () => {
  await serin?.stop();
  for (const server of servers) server.close();
});

interface Report {
  readonly services: readonly {
    readonly versions: readonly {
      readonly requests: number;
      readonly cancelled: number;
      readonly errors: Readonly<Record<string, number>>;
      readonly errorRate: number;
    }[];
  }[];
}

test('clients that hang up are counted apart, never as errors of a version (report 26)', async () => {
  const client = http2.connect(`http://${serin.listen}`);
  /** Resolves with true when the whole answer came, with false when it was cancelled. */
  const call = (cancelAfterMs: number | null) =>
    new Promise<boolean>((done) => {
      const stream = client.request({
        ':method': 'POST',
        ':path': '/helloworld.Greeter/SayHello',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let status: unknown;
      stream.on('trailers', (trailers) => (status = trailers['grpc-status']));
      stream.on('error', () => {});
      stream.on('close', () => done(status === '0'));
      stream.resume();
      stream.end(Buffer.alloc(5));
      if (cancelAfterMs !== null)
        setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), cancelAfterMs);
    });
  // On a session that is not there yet a cancelled request is never sent.
  expect(await call(null)).toBe(true);
  // A third gives up: some before any answer can be there, some when it may just have come.
  const done = await Promise.all(
    Array.from({ length: calls }, (_, n) => call(n % 3 === 0 ? 50 + Math.random() * 200 : null)),
  );
  client.close();
  const answered = done.filter(Boolean).length;
  expect(answered).toBeGreaterThanOrEqual(calls * (2 / 3));
  expect(answered).toBeLessThan(calls);

  const all = calls + 1;
  await until(async () => sum(await scrape(serin.admin), 'serin_requests_in_flight') === 0, 3000);
  const samples = await scrape(serin.admin);
  expect(sum(samples, 'serin_requests_total')).toBe(all);
  const cancelled = sum(samples, 'serin_requests_total', 'reason="cancelled"', 'grpc_status="1"');
  // An answer that had left the gateway when the client gave up is an answer.
  expect(sum(samples, 'serin_requests_total', 'reason=""', 'grpc_status="0"')).toBe(all - cancelled);
  expect(cancelled).toBeGreaterThan(0);
  expect(cancelled).toBeLessThanOrEqual(calls - answered);

  // Long enough for a sample of the rates.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const report = (await (await fetch(`${serin.admin}/api/v1/services`)).json()) as Report;
  const versions = report.services.flatMap((service) => service.versions);
  expect(versions.length).toBe(2);
  expect(versions.reduce((n, version) => n + version.requests, 0)).toBe(all);
  expect(versions.reduce((n, version) => n + version.cancelled, 0)).toBe(cancelled);
  for (const version of versions) expect([version.errors, version.errorRate]).toEqual([{}, 0]);
});
