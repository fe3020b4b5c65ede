/**
 * Fuzzes the HTTP/2 port of a real `serin run`: random bytes, and valid conversations with one frame of every
 * type put into every state of a stream, whole or mutated. Beside it a well-behaved client makes calls, of
 * which none may fail. Prints how often each frame met each state. `SERIN_FUZZ_SECONDS` (60) and
 * `SERIN_FUZZ_SEED` (printed at the end) repeat a run.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startRecorder } from '../support/data-plane.ts';
import { block, frame, RawClient, uint32 } from '../support/raw-http2.ts';
import { scrape, sum } from '../support/scrape.ts';
import { startSerin } from '../support/serin.ts';

const types = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
  'unknown',
];
const states = ['idle', 'open', 'half-closed (local)', 'half-closed (remote)', 'closed', 'connection'];
const table = types.map(() => states.map(() => 0));

const seconds = Number(process.env.SERIN_FUZZ_SECONDS ?? 60);
const seed = Number(process.env.SERIN_FUZZ_SEED ?? Date.now() % 1_000_000);
let state = seed;

/** mulberry32: a run can be repeated by its seed. */
function random(n: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
}

function randomBytes(length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)));
}

function head(path: string): Buffer {
  return block([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'fuzz.test'],
    ['x-n', String(random(1000))],
  ]);
}

/** Flips bytes, cuts or lengthens. */
function mutate(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  switch (random(4)) {
    case 0:
      if (copy.length > 0) copy[random(copy.length)] = random(256);
      return copy;
    case 1:
      return copy.subarray(0, random(copy.length + 1));
    case 2:
      return Buffer.concat([copy, randomBytes(random(20))]);
    default:
      return copy;
  }
}

function payload(type: number): Buffer {
  switch (type) {
    case 0:
      return randomBytes(random(100));
    case 1:
      return random(3) === 0 ? mutate(head('/echo')) : head('/echo');
    case 2:
      return randomBytes(5);
    case 3:
      return uint32(random(14));
    case 4: {
      const pairs = Array.from({ length: random(4) }, () =>
        Buffer.concat([
          Buffer.from([0, random(8)]),
          uint32(random(2) === 0 ? random(100_000) : random(2 ** 31)),
        ]),
      );
      return Buffer.concat(pairs);
    }
    case 6:
      return randomBytes(8);
    case 7:
      return Buffer.concat([uint32(random(20)), uint32(random(14)), randomBytes(random(10))]);
    case 8:
      return uint32(random(3) === 0 ? random(2 ** 31) : random(70_000));
    default:
      return randomBytes(random(40));
  }
}

/** Brings a stream of a fresh connection into a state; its number. */
async function enter(client: RawClient, want: string): Promise<number> {
  switch (want) {
    case 'idle':
      return 101;
    case 'open':
      client.send(frame(1, 4, 1, head('/hold')));
      return 1;
    case 'half-closed (local)':
      client.send(frame(1, 5, 1, head('/hold')));
      return 1;
    case 'half-closed (remote)':
      client.send(frame(1, 4, 1, head('/early')));
      await client.until(() => client.ended(1), 500);
      return 1;
    case 'closed':
      client.send(frame(1, 5, 1, head('/echo')));
      await client.until(() => client.ended(1), 500);
      return 1;
    default:
      return 0;
  }
}

/** The pair of type and state that was met least. */
function rarest(): [number, number] {
  let best: [number, number] = [random(types.length), random(states.length)];
  for (let n = 0; n < 8; n++) {
    const other: [number, number] = [random(types.length), random(states.length)];
    if (table[other[0]]![other[1]]! < table[best[0]]![best[1]]!) best = other;
  }
  return best;
}

async function conversation(port: number): Promise<void> {
  const [type, at] = rarest();
  const client = await RawClient.connect(port);
  try {
    const stream = await enter(client, states[at]!);
    if (client.closed) return;
    const code = type === 10 ? 10 + random(200) : type;
    const body = payload(type);
    const flags = random(2) === 0 ? 0 : [0, 1, 4, 5, 8, 32, 13, random(256)][random(8)]!;
    // Half of them whole, so that they get past the first check; the others mutated.
    client.send(frame(code, flags, stream, random(2) === 0 ? body : mutate(body)));
    table[type]![at]!++;
    for (let n = random(3); n > 0 && !client.closed; n--) {
      const next = random(10);
      client.send(mutate(frame(next, random(256), [0, 1, 1, 3, 5][random(5)]!, payload(next))));
    }
    await client.until(() => client.closed, random(6));
  } finally {
    client.close();
  }
}

/** Bytes without any meaning, with or without a preface in front. */
async function noise(port: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  if (random(2) === 0) socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  if (random(2) === 0) socket.write(frame(4, 0, 0));
  socket.write(randomBytes(random(600)));
  await new Promise((resolve) => setTimeout(resolve, 2));
  socket.destroy();
}

async function main(): Promise<void> {
  const backend = await startRecorder((stream, headers) => {
    stream.on('error', () => {});
    stream.resume();
    const path = String(headers[':path']);
    if (path === '/hold') return;
    const answer = (): void => {
      if (!stream.destroyed && !stream.headersSent) {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      }
    };
    if (path === '/early') answer();
    else stream.on('end', answer);
  });
  const folder = mkdtempSync(join(tmpdir(), 'serin-fuzz-'));
  writeFileSync(
    join(folder, 'fuzz.yaml'),
    'apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: fuzz}\nspec: {prefix: /, rewrite: "", service: "fuzz:80", grpc: true, timeout_ms: 2000}\n',
  );
  const serin = await startSerin([
    folder,
    '--workers',
    '1',
    '--resolve',
    `fuzz:80=127.0.0.1:${backend.port}`,
  ]);
  const port = Number(serin.listen.split(':')[1]);
  const worker = (await serin.children()).workers[0]!;
  const rss = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker}/status`, 'utf8'))![1]) / 1024;
  const end = performance.now() + seconds * 1000;
  let calls = 0;
  let failed = 0;
  let most = 0;
  const behave = async (): Promise<void> => {
    const client = await RawClient.connect(port);
    client.send(frame(8, 0, 0, uint32(2 ** 30)));
    for (let n = 0; performance.now() < end; n++) {
      client.get(1 + 2 * n, '/well');
      const answered = await client.until(() => client.ended(1 + 2 * n), 2000);
      calls++;
      if (!answered || client.status(1 + 2 * n) !== '200') {
        failed++;
        console.log(`failed: answered ${answered}, ${client.status(1 + 2 * n)} ${client.body(1 + 2 * n)}`);
      }
      client.frames.length = 0;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    client.close();
  };
  const attack = async (): Promise<void> => {
    while (performance.now() < end) {
      if (random(5) === 0) await noise(port);
      else await conversation(port);
      most = Math.max(most, rss());
    }
  };
  await behaveOnce(port);
  const before = rss();
  await Promise.all([behave(), attack(), attack(), attack(), attack()]);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const samples = await scrape(serin.admin);
  const deaths = sum(samples, 'serin_worker_deaths_total');
  const open =
    sum(samples, 'serin_connections_opened_total', 'downstream') -
    sum(samples, 'serin_connections_closed_total', 'downstream');
  const inFlight = sum(samples, 'serin_requests_in_flight');
  print(calls, failed, before, most, rss(), deaths, open, inFlight);
  await serin.stop();
  backend.close();
  expect({ failed, deaths, open, inFlight }).toEqual({ failed: 0, deaths: 0, open: 0, inFlight: 0 });
  expect(calls).toBeGreaterThan(seconds * 20);
  expect(table.flat().filter((count) => count === 0)).toEqual([]);
  expect(most - before).toBeLessThan(200);
}

/** So that memory is measured behind the first call. */
async function behaveOnce(port: number): Promise<void> {
  const client = await RawClient.connect(port);
  client.get(1, '/well');
  await client.until(() => client.ended(1));
  client.close();
}

function print(
  calls: number,
  failed: number,
  before: number,
  most: number,
  after: number,
  deaths: number,
  open: number,
  inFlight: number,
): void {
  const width = Math.max(...types.map((type) => type.length));
  console.log(`${''.padEnd(width)}  ${states.join('  ')}`);
  for (const [i, type] of types.entries()) {
    console.log(
      `${type.padEnd(width)}  ${states.map((name, j) => String(table[i]![j]).padStart(name.length)).join('  ')}`,
    );
  }
  console.log(
    `seed ${seed}; ${calls} calls of the well-behaved client, ${failed} failed; workers died: ${deaths}`,
  );
  console.log(
    `memory of the worker: ${before.toFixed(0)} MiB before, ${most.toFixed(0)} at most, ${after.toFixed(0)} after; connections left: ${open}, calls in flight: ${inFlight}`,
  );
}

describe('the HTTP/2 port', () => {
  it(
    `bears random bytes and mutated frames for ${seconds} s`,
    async () => {
      await main();
    },
    seconds * 1000 + 60_000,
  );
});
