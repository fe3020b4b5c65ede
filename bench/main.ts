import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  fastBackends,
  grpcBackends,
  http1Backends,
  type RunningBackends,
  websocketBackends,
} from './backends.ts';
import { protocolOf, runAt, runLoad, type Scenario, scenarios } from './loads.ts';
import {
  cpuMicroseconds,
  LOAD_CORE,
  PROXY_CORE,
  type Running,
  residentKib,
  sleep,
  startOn,
} from './process.ts';
import { find, type Pair, type Protocol, type ProxyUnderTest, proxies } from './proxies.ts';
import { type Measurement, markdown } from './report.ts';
import { expectCount, serinCount, serinReady } from './serin-counters.ts';

/** `npm run bench [-- --smoke | --only TEXT | --rounds N]`: measures side by side, prints the table, writes bench/RESULTS.md (not for a smoke run). */
const smoke = process.argv.includes('--smoke');
/** `--only TEXT`: the scenarios whose name has it, nothing else, and nothing is written. */
const only = after('--only') ?? null;
const rounds = smoke ? 1 : Number(after('--rounds') ?? 3);
const idleConnections = smoke ? 500 : 10_000;
const folder = mkdtempSync(join(tmpdir(), 'serin-bench-'));
// The workers of nginx run as another user when it is started by root.
chmodSync(folder, 0o755);
const PORT = 19_000;

function after(option: string): string | undefined {
  const at = process.argv.indexOf(option);
  return at < 0 ? undefined : process.argv[at + 1];
}

const certificate = selfSigned();

/** A certificate of an hour for 127.0.0.1, P-256. */
function selfSigned(): Pair {
  const key = join(folder, 'bench.key');
  const what = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const whom = ['-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const pem = execFileSync('openssl', ['req', ...what, ...whom, '-keyout', key], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { certificate: String(pem), privateKey: readFileSync(key, 'latin1') };
}

async function started(
  proxy: ProxyUnderTest,
  backends: RunningBackends,
  protocol: Protocol = 'h2',
  tls: Pair | null = null,
): Promise<Running> {
  const place = join(folder, proxy.name.replace(' ', '-'));
  const running = await startOn(
    PROXY_CORE,
    proxy.command(place, PORT, backends.ports, { protocol, tls }),
    PORT,
  );
  if (proxy.name === 'Serin') await serinReady();
  return running;
}

/** One round: warm up, then measure CPU over the calls; every reply and, for Serin, every count has to be there. */
async function measure(
  proxy: ProxyUnderTest,
  scenario: Scenario,
  backends: RunningBackends,
): Promise<Measurement> {
  const protocol = protocolOf(scenario);
  const running = await started(proxy, backends, protocol, scenario.tls === true ? certificate : null);
  try {
    await runLoad(scenario, PORT, folder, warmUp(scenario));
    const code = scenario.client === 'websocket' ? 101 : 200;
    const counted = proxy.name === 'Serin' ? await settledCount(protocol, code) : 0;
    const before = cpuMicroseconds(running.pid);
    const load = await runLoad(scenario, PORT, folder, scenario.calls);
    const cpu = (cpuMicroseconds(running.pid) - before) / load.answered;
    // wrk drops what is under way when its time is over.
    const late = scenario.client === 'wrk' ? scenario.connections : 0;
    const calls = load.answered / (scenario.messages ?? 1);
    if (proxy.name === 'Serin') await expectCount(counted, calls, protocol, late, code);
    return {
      scenario: scenario.name,
      proxy: proxy.name,
      cpu,
      rate: load.answered / load.seconds,
      p99: load.p99 === null ? null : load.p99 / 1000,
      note: '',
    };
  } finally {
    await running.stop();
  }
}

function warmUp({ body, calls, messages }: Scenario): number {
  if (messages !== undefined) return calls;
  // V8 compiles during the first 8,000 calls of 64 KiB.
  if (body !== undefined) return body.kib > 1024 ? 1 : Math.min(calls, body.kib > 64 ? 1500 : 8000);
  return Math.max(smoke ? 1000 : 60_000, Math.round(calls / 5));
}

async function settledCount(protocol: Protocol, code: number): Promise<number> {
  // Workers report ten times a second, where they and the control process are let to.
  let last = await serinCount(protocol, code);
  for (;;) {
    await sleep(400);
    const now = await serinCount(protocol, code);
    if (now === last) return now;
    last = now;
  }
}

function backendsOf(scenario: Scenario): Promise<RunningBackends> {
  if (scenario.client === 'websocket') return websocketBackends(19_001);
  if (protocolOf(scenario) === 'http1') return http1Backends(folder, 19_001);
  return scenario.client === 'h2load' ? fastBackends(folder, 19_001) : grpcBackends(19_001);
}

function better(a: Measurement | undefined, b: Measurement): Measurement {
  return a === undefined || b.cpu! < a.cpu! ? b : a;
}

async function table(usable: readonly ProxyUnderTest[]): Promise<Measurement[]> {
  const all: Measurement[] = [];
  for (const scenario of scenarios(smoke ? 0.02 : 1)) {
    if (only !== null && !scenario.name.includes(only)) continue;
    const backends = await backendsOf(scenario);
    try {
      const best = new Map<string, Measurement>();
      for (let round = 0; round < rounds; round++) {
        for (const proxy of usable) {
          if (scenario.tls === true && proxy.name === 'HAProxy TCP') continue;
          const m = await measure(proxy, scenario, backends);
          best.set(proxy.name, better(best.get(proxy.name), m));
          console.error(
            `${scenario.name}, round ${round + 1}: ${proxy.name} ${m.cpu!.toFixed(1)} µs, ${Math.round(m.rate!)} calls/s`,
          );
        }
      }
      all.push(...best.values());
    } finally {
      await backends.stop();
    }
  }
  return all;
}

/** What p99 is measured of. */
const timed: readonly string[] = [
  'grpc-go 16 × 16, own headers',
  'h2load 16 × 16',
  'HTTP/1.1, 64 connections',
  'HTTPS/1.1, 64 kept connections',
  'h2load 16 × 16 over TLS',
];

/** p99 at half of Envoy's top rate: the best of all rounds. */
async function latency(usable: readonly ProxyUnderTest[], name: string, envoyRate: number): Promise<string> {
  const scenario = scenarios(1).find((one) => one.name === name)!;
  const rate = envoyRate / 2;
  const backends = await backendsOf(scenario);
  const parts: string[] = [];
  try {
    for (const proxy of usable) {
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < rounds; round++) {
        const tls = scenario.tls === true ? certificate : null;
        const running = await started(proxy, backends, protocolOf(scenario), tls);
        await runAt(scenario, PORT, folder, smoke ? 1000 : 10_000, rate);
        const { p99 } = await runAt(scenario, PORT, folder, Math.round(rate * (smoke ? 1 : 5)), rate);
        best = Math.min(best, p99! / 1000);
        await running.stop();
      }
      parts.push(`${proxy.name} ${best.toFixed(2)} ms`);
    }
  } finally {
    await backends.stop();
  }
  return `p99 at half of Envoy's top rate, ${name} (${Math.round(rate)} calls/s): ${parts.join(', ')}.`;
}

/** KiB of memory for each idle connection. */
async function idleMemory(usable: readonly ProxyUnderTest[]): Promise<string> {
  const backends = await grpcBackends(19_001);
  const parts: string[] = [];
  try {
    for (const proxy of usable) {
      const running = await started(proxy, backends);
      await sleep(1000);
      const before = residentKib(running.pid);
      const holder = spawn(
        'taskset',
        [
          '-c',
          String(LOAD_CORE),
          find('serin-bench')!,
          'idle',
          '-target',
          `127.0.0.1:${PORT}`,
          '-conns',
          String(idleConnections),
        ],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      );
      const open = await new Promise<string>((resolve) => {
        holder.stdout.once('data', (data) => resolve(String(data)));
        holder.once('exit', () => resolve('failed'));
      });
      await sleep(2000);
      const each = (residentKib(running.pid) - before) / idleConnections;
      parts.push(
        open.startsWith('open')
          ? `${proxy.name} ${each.toFixed(1)} KiB`
          : `${proxy.name}: could not open them all`,
      );
      holder.stdin.end();
      await running.stop();
    }
  } finally {
    await backends.stop();
  }
  return `Memory of each of ${idleConnections} idle connections: ${parts.join(', ')}.`;
}

const missing = proxies.flatMap((p) => (p.missing === null ? [] : [`${p.name}: ${p.missing}`]));
for (const tool of ['h2load', 'wrk', 'nginx', 'nghttpd', 'taskset', 'serin-bench']) {
  if (find(tool) === null) missing.push(`${tool}: run bench/setup.sh`);
}
if (cpus().length < 2) missing.push('a second core: proxy and load share one here');
for (const line of missing) console.error(`missing: ${line}`);
if (missing.some((line) => /^(h2load|wrk|nginx|nghttpd|taskset|serin-bench|a second core|Serin)/.test(line)))
  process.exit(1);

const usable = proxies.filter((p) => p.missing === null);
const all = await table(usable);
const more: string[] = [];
const whole = usable.filter((p) => p.name !== 'HAProxy TCP');
for (const name of timed) {
  const envoy = all.find((m) => m.proxy === 'Envoy' && m.scenario === name);
  if (envoy?.rate) more.push(await latency(whole, name, envoy.rate));
}
if (only === null) more.push(await idleMemory(whole));
const text = markdown(all, missing, more);
console.log(text);
if (!smoke && only === null) writeFileSync('bench/RESULTS.md', text);
