import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRecorder } from '../support/data-plane.ts';
import { inventedCall, inventedName } from '../support/invented-names.ts';
import { startForAll } from '../support/mapping.ts';
import { scrape, sum } from '../support/scrape.ts';
import { type RunningSerin, until } from '../support/serin.ts';

const REQUESTS = 100_000;
const AT_ONCE = 100;
/** Before it is measured: what a process takes once for code, buffers and caches. */
const WARM_UP = 20_000;

let serin: RunningSerin;
let stopServer = () => {};

beforeAll(async () => {
  const server = await startRecorder((stream) => {
    server.requests.length = 0;
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' },
      { endStream: true },
    );
  });
  stopServer = server.close;
  serin = await startForAll(server.port, ['--workers', '2'], '/app/');
});
afterAll(async () => {
  await serin?.stop();
  stopServer();
});

/** Memory of all its processes, in MB. */
async function residentMb(): Promise<number> {
  const { control, workers } = await serin.children();
  let pages = 0;
  for (const pid of [serin.pid, ...control, ...workers]) {
    pages += Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  }
  return (pages * 4096) / 1e6;
}

test('100,000 requests with names that clients invent: no new series, no memory (report 22)', async () => {
  const session = connect(`http://${serin.listen}`);
  const ask = (i: number) =>
    inventedCall(
      session,
      i,
      i % 4 < 2 ? 'POST' : `AAAA${i}`,
      i % 2 === 0 ? `/app/x${i}.Y/m${i}` : `/x${i}.Y/m${i}`,
    );
  const load = async (from: number, count: number) => {
    for (let i = from; i < from + count; i += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => ask(i + k)));
    }
    await until(async () => sum(await scrape(serin.admin), 'serin_requests_total') === from + count, 5000);
  };
  const routes = async () => (await (await fetch(`${serin.admin}/api/v1/routes`)).text()).length;

  const cold = (await scrape(serin.admin)).size;
  const listed = await routes();
  await load(0, WARM_UP);
  const before = await residentMb();
  await load(WARM_UP, REQUESTS);
  const after = await residentMb();
  session.close();

  const samples = await scrape(serin.admin);
  const all = WARM_UP + REQUESTS;
  console.log(
    `${REQUESTS} requests: ${cold} → ${samples.size} samples, ${before.toFixed(0)} → ${after.toFixed(0)} MB in all processes`,
  );
  expect(samples.size - cold).toBeLessThan(100);
  expect(sum(samples, 'serin_requests_total', 'route="none"')).toBe(all / 2);
  expect([...samples.keys()].filter((name) => inventedName.test(name))).toEqual([]);
  expect(Math.abs((await routes()) - listed)).toBeLessThan(200);
  expect(after - before).toBeLessThan(50);
});
