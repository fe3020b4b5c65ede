import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GreeterClient, greeterClient } from '../../src/cli/demo/greeter.ts';
import { monotone, scrape, sum } from '../support/scrape.ts';
import { type RunningSerin, startSerin, until } from '../support/serin.ts';

const CLIENTS = 10;
const ANSWER = Buffer.from([0, 0, 0, 0, 0]);

let server: Http2Server;
let serin: RunningSerin;
let clients: GreeterClient[];
/** While it holds, calls stay unanswered. */
let holds: boolean;
let held: ServerHttp2Stream[];

beforeEach(async () => {
  [holds, held] = [false, []];
  server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    if (holds) held.push(stream);
    else answer(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  serin = await startSerin([
    'examples/hello-grpc',
    ...['--workers', '2'],
    ...['grpc-server', 'grpc-server-canary'].flatMap((name) => [
      '--resolve',
      `${name}.default.svc.cluster.local:50051=127.0.0.1:${port}`,
    ]),
  ]);
  clients = Array.from({ length: CLIENTS }, () => greeterClient(serin.listen));
});
afterEach(async () => {
  for (const client of clients) client.close();
  await serin.stop();
  server.close();
});

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(ANSWER);
}

/** Connects and leaves; rejects when it is refused. */
function knock(address: string): Promise<void> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    socket.on('error', reject);
    socket.on('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

const metric = async (name: string, ...labels: string[]) => sum(await scrape(serin.admin), name, ...labels);
const callAll = () => Promise.allSettled(clients.map((client) => client.sayHello('x')));
const answered = (results: readonly PromiseSettledResult<string>[]) =>
  results.filter(({ status }) => status === 'fulfilled').length;

test('calls that a worker takes with it are ended calls with a reason of their own (report 21)', async () => {
  expect(answered(await callAll())).toBe(CLIENTS);
  holds = true;
  const cut = callAll();
  await until(async () => (await metric('serin_requests_in_flight')) === CLIENTS, 3000);
  await until(async () => (await metric('serin_requests_total')) === CLIENTS, 3000);
  const before = monotone(await scrape(serin.admin));
  const [first, second] = (await serin.children()).workers;
  process.kill(first!, 'SIGKILL');
  await until(async () => (await metric('serin_worker_deaths_total')) === 1, 3000);
  const died = await metric('serin_requests_total', 'reason="worker_died"');
  expect(died).toBeGreaterThan(0);
  expect(await metric('serin_requests_in_flight')).toBe(CLIENTS - died);
  process.kill(second!, 'SIGKILL');
  await until(async () => (await metric('serin_worker_deaths_total')) === 2, 3000);
  expect(answered(await cut)).toBe(0);
  const samples = await scrape(serin.admin);
  expect(sum(samples, 'serin_requests_total', 'reason="worker_died"')).toBe(CLIENTS);
  expect(sum(samples, 'serin_requests_total')).toBe(2 * CLIENTS);
  expect(sum(samples, 'serin_request_duration_seconds_count')).toBe(2 * CLIENTS);
  expect(sum(samples, 'serin_requests_in_flight')).toBe(0);
  const after = monotone(samples);
  for (const [name, value] of before) expect(after.get(name) ?? 0, name).toBeGreaterThanOrEqual(value);
});

test('a worker that dies while there is no control process takes no count with it', async () => {
  for (let i = 0; i < 10; i++) expect(answered(await callAll())).toBe(CLIENTS);
  await until(async () => (await metric('serin_requests_total')) === 10 * CLIENTS, 3000);
  const before = monotone(await scrape(serin.admin));
  const { control, workers } = await serin.children();
  process.kill(control[0]!, 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 80));
  process.kill(workers[0]!, 'SIGKILL');
  await until(async () => (await fetch(`${serin.admin}/readyz`).catch(() => null))?.ok === true, 10_000);
  const samples = await scrape(serin.admin);
  expect(sum(samples, 'serin_requests_total', 'grpc_status="0"')).toBe(10 * CLIENTS);
  expect(sum(samples, 'serin_worker_deaths_total')).toBe(1);
  const after = monotone(samples);
  for (const [name, value] of before) expect(after.get(name) ?? 0, name).toBeGreaterThanOrEqual(value);
});

test('the port of a single worker refuses nobody while that worker is replaced', async () => {
  await serin.stop();
  const { port } = server.address() as AddressInfo;
  const resolve = ['grpc-server', 'grpc-server-canary'].flatMap((name) => [
    '--resolve',
    `${name}.default.svc.cluster.local:50051=127.0.0.1:${port}`,
  ]);
  serin = await startSerin(['examples/hello-grpc', '--workers', '1', ...resolve]);
  const opened = (await serin.children()).workers;
  process.kill(opened[0]!, 'SIGKILL');
  const refused: string[] = [];
  let replaced = false;
  const knocking = (async () => {
    while (!replaced) {
      await knock(serin.listen).catch((error: Error) => refused.push(error.message));
      await new Promise((done) => setTimeout(done, 2));
    }
  })();
  await until(async () => !(await serin.children()).workers.includes(opened[0]!), 5000);
  // New connections all the time until the new worker serves: each is accepted, waits, and is answered.
  const fresh: GreeterClient[] = [];
  const calls: Promise<string>[] = [];
  for (let i = 0; i < 20; i++) {
    const client = greeterClient(serin.listen);
    fresh.push(client);
    calls.push(client.sayHello('x'));
    await new Promise((done) => setTimeout(done, 10));
  }
  const results = await Promise.allSettled(calls);
  for (const client of fresh) client.close();
  replaced = true;
  await knocking;
  expect(refused).toEqual([]);
  expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
  expect((await serin.children()).workers).toHaveLength(1);
  expect((await serin.children()).workers).not.toEqual(opened);
});
