import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RoutesReport, ServicesReport } from '../../src/admin/reports.ts';
import { freePort } from '../../src/cli/demo/free-port.ts';
import { scrape, sum } from '../support/scrape.ts';
import { type RunningSerin, startSerin, until } from '../support/serin.ts';
import { startTcpPeer, TcpClient, type TcpPeer } from '../support/tcp-peers.ts';

const mapping = (name: string, port: number, more = ''): string => `---
apiVersion: getambassador.io/v3alpha1
kind: TCPMapping
metadata: {name: ${name}}
spec: {port: ${port}, service: "${name}:1"${more}}
`;

let folder = '';
let file = '';
let port = 0;
let stable: TcpPeer;
let canary: TcpPeer;
let serin: RunningSerin | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serin-tcp-'));
  file = join(folder, 'db.yaml');
  port = await freePort(0);
  stable = await startTcpPeer('stable');
  canary = await startTcpPeer('canary');
});

afterEach(async () => {
  serin?.kill('SIGKILL');
  serin = null;
  await Promise.all([stable.close(), canary.close()]);
  await rm(folder, { recursive: true });
});

async function start(text: string, ...more: string[]): Promise<RunningSerin> {
  await writeFile(file, text);
  const resolve = [`stable:1=127.0.0.1:${stable.port}`, `canary:1=127.0.0.1:${canary.port}`];
  serin = await startSerin([file, ...resolve.flatMap((one) => ['--resolve', one]), ...more]);
  return serin;
}

/** Connects, and says which version has answered; the connection ends. */
async function ask(): Promise<string> {
  const client = new TcpClient(port);
  const line = await client.line();
  client.socket.end();
  await client.until(({ closed }) => closed);
  return client.error === '' ? line : client.error;
}

/** What the connections were counted as, once so many have ended. */
async function counted(admin: string, ended: number): Promise<Map<string, number>> {
  let samples = new Map<string, number>();
  await until(async () => {
    samples = await scrape(admin);
    return sum(samples, 'serin_tcp_connections_total') === ended;
  }, 5000);
  return samples;
}

test('two workers count every connection once, by version; the API and status have the shares', async () => {
  const { admin } = await start(
    mapping('stable', port) + mapping('canary', port, ', weight: 25'),
    '--workers',
    '2',
  );
  const names = await Promise.all(Array.from({ length: 80 }, ask));
  const canaries = names.filter((name) => name === 'canary').length;
  expect(names.filter((name) => name === 'stable').length).toBe(80 - canaries);
  // Exact for each of the two workers: at most one off in each.
  expect(Math.abs(canaries - 20)).toBeLessThanOrEqual(2);
  const samples = await counted(admin, 80);
  expect(
    sum(samples, 'serin_tcp_connections_total', 'service="canary.default:1"', 'role="canary"', 'reason=""'),
  ).toBe(canaries);
  expect(sum(samples, 'serin_tcp_connections_in_flight')).toBe(0);
  expect(sum(samples, 'serin_tcp_bytes_total', 'direction="sent"')).toBe(80 * 7);
  expect(sum(samples, 'serin_tcp_connect_seconds_count')).toBe(80);
  expect(sum(samples, 'serin_tcp_connection_duration_seconds_count')).toBe(80);
  expect(sum(samples, 'serin_split_weight', 'mapping="canary.default"')).toBe(0.25);
  expect(sum(samples, 'serin_requests_total')).toBe(0);
  const routes = (await (await fetch(`${admin}/api/v1/routes`)).json()) as RoutesReport;
  expect(routes.tcpRoutes).toMatchObject([
    { name: 'stable.default', port, host: '*', backends: [{ share: 0.25 }, { share: 0.75 }] },
  ]);
  const { services } = (await (await fetch(`${admin}/api/v1/services`)).json()) as ServicesReport;
  expect(services.find(({ service }) => service === 'canary.default:1')?.versions).toMatchObject([
    { requests: canaries, errors: {}, inFlight: 0 },
  ]);
});

test('deleting the canary under load sends everything to stable, and no connection fails', async () => {
  const both = mapping('stable', port) + mapping('canary', port, ', weight: 50');
  const { admin } = await start(both, '--workers', '2');
  let going = true;
  const answers: string[] = [];
  const load = Array.from({ length: 8 }, async () => {
    while (going) answers.push(await ask());
  });
  await until(() => answers.length > 200, 10_000);
  const long = new TcpClient(port);
  await long.line();
  await writeFile(file, mapping('stable', port));
  await until(async () => {
    const shares = [...(await scrape(admin))].filter(([name]) => name.startsWith('serin_split_weight'));
    return shares.length === 1;
  }, 5000);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const from = answers.length;
  await until(() => answers.length > from + 200, 10_000);
  going = false;
  await Promise.all(load);
  expect(new Set(answers)).toEqual(new Set(['stable', 'canary']));
  expect(new Set(answers.slice(from))).toEqual(new Set(['stable']));
  // The connection that was there before goes on where it is.
  long.socket.write('still there');
  await long.until(({ text }) => text.endsWith('still there'));
  long.socket.end();
  await counted(admin, answers.length + 1);
});

test('ports follow the manifests: a new one opens, one that goes closes, and what runs on it goes on', async () => {
  await start(mapping('stable', port));
  const client = new TcpClient(port);
  await client.line();
  const old = port;
  port = await freePort(0);
  await writeFile(file, mapping('canary', port));
  await until(async () => (await ask()) === 'canary', 5000);
  const refused = new TcpClient(old);
  await refused.until(({ error }) => error === 'ECONNREFUSED');
  client.socket.write('on');
  await client.until(({ text }) => text.endsWith('on'));
  client.socket.end();
  await client.until(({ closed }) => closed);
});

test.each([
  ['parent', '2'],
  ['workers', '1'],
])('SIGTERM lets connections go on (accepted by %s), and takes no new one', async (accept, workers) => {
  const running = await start(mapping('stable', port), '--workers', workers, '--accept', accept);
  const client = new TcpClient(port);
  await client.line();
  running.kill('SIGTERM');
  await until(async () => {
    const other = new TcpClient(port);
    await other.until(({ closed, text }) => closed || text !== '');
    other.socket.destroy();
    return other.error === 'ECONNREFUSED';
  }, 5000);
  client.socket.write('during the drain');
  await client.until(({ text }) => text.endsWith('during the drain'));
  client.socket.end();
  await client.until(({ closed }) => closed);
  expect(client.error).toBe('');
  expect(await running.ended).toBe(0);
});

test('connections that die with their worker are counted so, and the next worker takes new ones', async () => {
  const running = await start(mapping('stable', port), '--workers', '1');
  const client = new TcpClient(port);
  await client.line();
  await until(async () => sum(await scrape(running.admin), 'serin_tcp_connections_in_flight') === 1, 5000);
  process.kill((await running.children()).workers[0]!, 'SIGKILL');
  await client.until(({ ended, closed }) => ended || closed);
  client.socket.destroy();
  await until(async () => (await ask()) === 'stable', 10_000);
  const samples = await counted(running.admin, 2);
  expect(sum(samples, 'serin_tcp_connections_total', 'reason="worker_died"')).toBe(1);
  expect(sum(samples, 'serin_tcp_connections_in_flight')).toBe(0);
});

test('what still runs when the time to drain is over is cut', async () => {
  const running = await start(mapping('stable', port), '--drain-timeout', '200ms');
  const client = new TcpClient(port);
  await client.line();
  const at = performance.now();
  running.kill('SIGTERM');
  await client.until(({ ended, closed }) => ended || closed);
  client.socket.destroy();
  expect(performance.now() - at).toBeGreaterThan(150);
  expect(await running.ended).toBe(0);
});

test('an address that --bind has, too, makes no second listener: who gets nothing is told', async () => {
  const bound = ', address: 127.0.0.1';
  const { admin } = await start(
    mapping('stable', port) + mapping('canary', port, bound),
    '--bind',
    '127.0.0.1',
    '--workers',
    '1',
  );
  for (let n = 0; n < 3; n++) expect(await ask()).toBe('stable');
  const errors = async () => String(await (await fetch(`${admin}/api/v1/errors`)).text());
  expect(await errors()).toContain('stable.default takes the connections');
  await writeFile(file, mapping('stable', port, bound) + mapping('canary', port, `${bound}, weight: 100`));
  await until(async () => (await ask()) === 'canary', 5000);
  expect(await errors()).not.toContain('takes the connections');
});
