import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LOAD_CORE, runOn } from './process.ts';
import { find } from './proxies.ts';

/** A scenario of the table. */
export interface Scenario {
  readonly name: string;
  readonly client: 'h2load' | 'grpc-go' | 'h2load-http1' | 'wrk' | 'websocket';
  readonly connections: number;
  readonly streams: number;
  readonly calls: number;
  /** Headers of its own in each call: gRPC's with a deadline and a token of 600 bytes, HTTP/1.1's of 800 bytes. */
  readonly heavy: boolean;
  /** Over TLS towards the client. */
  readonly tls?: boolean;
  /** A connection for each request. */
  readonly close?: boolean;
  /** Answers have so many KiB, and requests, too, unless it is `down` only. */
  readonly body?: { readonly kib: number; readonly down?: boolean };
  /** Messages of 1,000 bytes there and back on each stream or WebSocket; the figures are for one of them. */
  readonly messages?: number;
}

/** What a load has seen; latencies in microseconds, null where the client does not tell. */
export interface LoadResult {
  /** Calls, or messages where a scenario has them. */
  readonly answered: number;
  readonly seconds: number;
  readonly p99: number | null;
}

/** The scenarios. @param scale 1 for the real thing, less for a smoke run. */
export function scenarios(scale: number): readonly Scenario[] {
  const n = (calls: number) => Math.max(2000, Math.round(calls * scale));
  return [
    {
      name: 'h2load 16 × 16',
      client: 'h2load',
      connections: 16,
      streams: 16,
      calls: n(250_000),
      heavy: false,
    },
    {
      name: 'h2load 32 × 64',
      client: 'h2load',
      connections: 32,
      streams: 64,
      calls: n(250_000),
      heavy: false,
    },
    { name: 'h2load 16 × 1', client: 'h2load', connections: 16, streams: 1, calls: n(120_000), heavy: false },
    {
      name: 'grpc-go 16 × 16, own headers',
      client: 'grpc-go',
      connections: 16,
      streams: 16,
      calls: n(80_000),
      heavy: true,
    },
    {
      name: 'grpc-go 16 × 1, own headers',
      client: 'grpc-go',
      connections: 16,
      streams: 1,
      calls: n(60_000),
      heavy: true,
    },
    {
      name: 'HTTP/1.1, 64 connections',
      client: 'h2load-http1',
      connections: 64,
      streams: 1,
      calls: n(200_000),
      heavy: false,
    },
    {
      name: 'HTTP/1.1, 64 connections, own heads of 800 bytes',
      client: 'wrk',
      connections: 64,
      streams: 1,
      calls: n(150_000),
      heavy: true,
    },
    {
      name: 'HTTP/1.1, a connection for each request',
      client: 'wrk',
      connections: 64,
      streams: 1,
      calls: n(75_000),
      heavy: false,
      close: true,
    },
    {
      name: 'HTTP/1.1, 64 KiB there and 64 KiB back',
      client: 'h2load-http1',
      connections: 16,
      streams: 1,
      calls: n(20_000),
      heavy: false,
      body: { kib: 64 },
    },
    {
      name: 'HTTP/1.1, 1 MiB there and 1 MiB back',
      client: 'h2load-http1',
      connections: 8,
      streams: 1,
      calls: Math.max(200, Math.round(3000 * scale)),
      heavy: false,
      body: { kib: 1024 },
    },
    {
      name: 'HTTP/1.1, 1 GiB back',
      client: 'h2load-http1',
      connections: 1,
      streams: 1,
      calls: scale < 1 ? 1 : 4,
      heavy: false,
      body: { kib: 1024 * 1024, down: true },
    },
    {
      name: 'WebSocket, 16 connections, a message there and back',
      client: 'websocket',
      connections: 16,
      streams: 1,
      calls: 16,
      heavy: false,
      messages: Math.round(n(160_000) / 16),
    },
    {
      name: 'grpc-go, 16 streams, a message there and back',
      client: 'grpc-go',
      connections: 16,
      streams: 1,
      calls: 16,
      heavy: false,
      messages: Math.round(n(160_000) / 16),
    },
    {
      name: 'HTTPS/1.1, a handshake for each request',
      client: 'wrk',
      connections: 16,
      streams: 1,
      calls: n(100_000),
      heavy: false,
      close: true,
      tls: true,
    },
    {
      name: 'HTTPS/1.1, 64 kept connections',
      client: 'h2load-http1',
      connections: 64,
      streams: 1,
      calls: n(150_000),
      heavy: false,
      tls: true,
    },
    {
      name: 'h2load 16 × 16 over TLS',
      client: 'h2load',
      connections: 16,
      streams: 16,
      calls: n(250_000),
      heavy: false,
      tls: true,
    },
  ];
}

/** Runs a load to its end; rejects when a single reply is missing. */
export async function runLoad(
  scenario: Scenario,
  port: number,
  folder: string,
  calls: number,
): Promise<LoadResult> {
  switch (scenario.client) {
    case 'grpc-go':
      return grpcGo(scenario, port, calls, 0);
    case 'websocket':
      return websocket(scenario, port);
    case 'wrk':
      return wrk(scenario, port, folder, calls);
    default:
      return h2load(scenario, port, folder, calls, [
        scenario.body === undefined ? GREETER : pathOf(scenario.body.kib),
      ]);
  }
}

/** What a scenario speaks, to the proxy and behind it. */
export function protocolOf(scenario: Scenario): 'h2' | 'http1' {
  return scenario.client === 'h2load' || scenario.client === 'grpc-go' ? 'h2' : 'http1';
}

/**
 * HTTP/1.1 whose heads differ from request to request: a trace, an id and a token of their own. wrk counts by time, so
 * `calls` says for how long; what it answers is what was answered.
 */
async function wrk(scenario: Scenario, port: number, folder: string, calls: number): Promise<LoadResult> {
  mkdirSync(folder, { recursive: true });
  const script = join(resolve(folder), 'heads.lua');
  writeFileSync(script, scenario.close === true ? closing : heads);
  const seconds = Math.max(1, Math.round(calls / 25_000));
  const out = await runOn(LOAD_CORE, [
    'wrk',
    ...['-t', '1', '-c', String(scenario.connections), '-d', `${seconds}s`, '-s', script],
    `${scenario.tls === true ? 'https' : 'http'}://127.0.0.1:${port}${GREETER}`,
  ]);
  const [, answered, value] = /(\d+) requests in ([\d.]+)s/.exec(out) ?? [];
  if (answered === undefined || /Non-2xx|Socket errors/.test(out))
    throw new Error(`calls failed:\n${out.slice(-600)}`);
  return { answered: Number(answered), seconds: Number(value), p99: null };
}

const closing = 'wrk.headers["Connection"] = "close"\n';

const heads = `local n = 0
local agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
request = function()
  n = n + 1
  local id = string.format("%016x%016x", n * 2654435761 % 4294967296, n)
  return wrk.format("GET", nil, {
    ["User-Agent"] = agent, ["Accept"] = "application/json, text/plain, */*", ["Accept-Language"] = "en-GB,en;q=0.9",
    ["Accept-Encoding"] = "gzip, deflate, br", ["Cookie"] = "session=" .. id .. id .. "; theme=dark; consent=yes",
    ["Traceparent"] = "00-" .. id .. "-" .. string.sub(id, 17) .. "-01", ["X-Correlation-Id"] = id,
    ["Authorization"] = "Bearer " .. string.rep(id, 9),
  })
end
`;

/** As {@link runLoad} with grpc-go, at an even rate of calls a second. */
async function grpcGo(scenario: Scenario, port: number, calls: number, rate: number): Promise<LoadResult> {
  const { connections, streams, heavy, messages = 0 } = scenario;
  const out = await runOn(LOAD_CORE, [
    find('serin-bench')!,
    'load',
    ...['-target', `127.0.0.1:${port}`],
    ...['-conns', String(connections)],
    ...['-streams', String(streams)],
    ...['-calls', String(calls)],
    ...['-messages', String(messages)],
    ...(heavy ? ['-heavy'] : []),
    ...['-rate', String(rate)],
  ]);
  const result = JSON.parse(out) as {
    calls: number;
    errors: number;
    error: string;
    seconds: number;
    p99: number;
  };
  if (result.errors > 0 || result.calls !== calls)
    throw new Error(`${result.errors} of ${calls} calls failed: ${result.error}`);
  if (messages > 0) return { answered: calls * messages, seconds: result.seconds, p99: null };
  return { answered: result.calls, seconds: result.seconds, p99: result.p99 };
}

async function websocket({ connections, messages = 0 }: Scenario, port: number): Promise<LoadResult> {
  const out = await runOn(LOAD_CORE, [
    find('serin-bench')!,
    'websocket',
    ...['-target', `127.0.0.1:${port}`, '-conns', String(connections), '-messages', String(messages)],
  ]);
  const result = JSON.parse(out) as { calls: number; errors: number; error: string; seconds: number };
  if (result.errors > 0 || result.calls !== connections * messages)
    throw new Error(`${result.errors} of ${connections} connections failed: ${result.error}`);
  return { answered: result.calls, seconds: result.seconds, p99: null };
}

/** Path of the Greeter's method. */
export const GREETER = '/helloworld.Greeter/SayHello';

/** Path of an answer of so many KiB. */
export const pathOf = (kib: number): string => `/helloworld.Greeter/${kib}k`;

/** As {@link runLoad}, at an even rate of calls a second, and with latencies. */
export async function runAt(
  scenario: Scenario,
  port: number,
  folder: string,
  calls: number,
  rate: number,
): Promise<LoadResult> {
  if (scenario.client === 'grpc-go') return grpcGo(scenario, port, calls, rate);
  const log = join(resolve(folder), 'requests.log');
  const each = String(rate / scenario.connections);
  const result = await h2load(scenario, port, folder, calls, [GREETER], ['--rps', each, '--log-file', log]);
  // A line is start, status and duration, all of times in µs.
  const times = readFileSync(log, 'latin1')
    .trim()
    .split('\n')
    .map((line) => Number(line.split('\t')[2]))
    .sort((a, b) => a - b);
  rmSync(log);
  return { ...result, p99: times[Math.floor(times.length * 0.99)]! };
}

/** Calls of these paths in turn. */
export async function h2load(
  scenario: Scenario,
  port: number,
  folder: string,
  calls: number,
  paths: readonly string[],
  more: readonly string[] = [],
): Promise<LoadResult> {
  mkdirSync(folder, { recursive: true });
  const body = join(resolve(folder), 'request.bin');
  const up = scenario.body !== undefined && scenario.body.down !== true ? scenario.body.kib : 0;
  writeFileSync(
    body,
    up > 0 ? Buffer.alloc(1024 * up, 'x') : Buffer.from('\x00\x00\x00\x00\x07\n\x05world', 'latin1'),
  );
  const scheme = scenario.tls === true ? 'https' : 'http';
  const places = join(resolve(folder), 'places.txt');
  writeFileSync(places, paths.map((path) => `${scheme}://127.0.0.1:${port}${path}\n`).join(''));
  const out = await runOn(LOAD_CORE, [
    'h2load',
    ...(protocolOf(scenario) === 'http1' ? ['--h1'] : []),
    ...['-n', String(calls), '-c', String(scenario.connections), '-m', String(scenario.streams), '-t', '1'],
    ...(protocolOf(scenario) === 'http1'
      ? up > 0
        ? ['-d', body]
        : []
      : ['-d', body, '-H', 'content-type: application/grpc', '-H', 'te: trailers']),
    ...['-i', places],
    ...more,
  ]);
  const answered = Number(/(\d+) 2xx/.exec(out)?.[1] ?? 0);
  if (answered !== calls) throw new Error(`${answered} of ${calls} calls were answered:\n${out.slice(-600)}`);
  const [, value, unit] = /finished in ([\d.]+)(us|ms|s)/.exec(out) ?? [];
  const seconds = Number(value) * { us: 1e-6, ms: 1e-3, s: 1 }[unit as 'us' | 'ms' | 's'];
  return { answered, seconds, p99: null };
}
