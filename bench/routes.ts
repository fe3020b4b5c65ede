import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fastBackends, type RunningBackends } from './backends.ts';
import { GREETER, h2load, type Scenario } from './loads.ts';
import { cpuMicroseconds, PROXY_CORE, residentKib, sleep, startOn } from './process.ts';
import { find, mappingPair, serinWith } from './proxies.ts';
import { expectCount, serinCount, serinReady } from './serin-counters.ts';

/**
 * `npm run bench:routes [-- --smoke]`: CPU of a call with 10,000 Mappings against one group, in alternating pairs. Calls go to one
 * path; a third column spreads them over all 5,000 groups. Fails when the median of the pairs is above 1.15.
 */
const smoke = process.argv.includes('--smoke');
const PAIRS = smoke ? 1 : 5;
const CALLS = smoke ? 20_000 : 300_000;
const GROUPS = 5000;
const PORT = 19_000;
const MOST = 1.15;
const scenario: Scenario = {
  name: 'h2load 16 × 16',
  client: 'h2load',
  connections: 16,
  streams: 16,
  calls: CALLS,
  heavy: false,
};
const folder = mkdtempSync(join(tmpdir(), 'serin-bench-'));

const prefixes = Array.from({ length: GROUPS - 1 }, (_, i) => `/svc${i}.v1.Api/`);
const one = mappingPair('/helloworld.Greeter/', '');
const many = one + prefixes.map((prefix, i) => mappingPair(prefix, `-${i}`)).join('');
const spread = [GREETER, ...prefixes.map((prefix) => `${prefix}SayHello`)];

/** Microseconds of CPU a call, and the memory of all processes behind it. */
async function measure(
  backends: RunningBackends,
  manifests: string,
  paths: readonly string[],
): Promise<{ cpu: number; mb: number }> {
  const running = await startOn(PROXY_CORE, serinWith(folder, PORT, backends.ports, manifests), PORT);
  try {
    await serinReady();
    await h2load(scenario, PORT, folder, Math.max(20_000, CALLS / 3), paths);
    await sleep(500);
    const counted = await serinCount();
    const before = cpuMicroseconds(running.pid);
    await h2load(scenario, PORT, folder, CALLS, paths);
    const cpu = (cpuMicroseconds(running.pid) - before) / CALLS;
    await expectCount(counted, CALLS);
    return { cpu, mb: residentKib(running.pid) / 1024 };
  } finally {
    await running.stop();
  }
}

for (const tool of ['h2load', 'nghttpd', 'taskset']) {
  if (find(tool) !== null) continue;
  console.error(`missing: ${tool}: run bench/setup.sh`);
  process.exit(1);
}
const backends = await fastBackends(folder, 19_001);
const ratios: number[] = [];
try {
  for (let pair = 1; pair <= PAIRS; pair++) {
    const small = await measure(backends, one, [GREETER]);
    const large = await measure(backends, many, [GREETER]);
    const all = await measure(backends, many, spread);
    ratios.push(large.cpu / small.cpu);
    console.log(
      `pair ${pair}: one group ${small.cpu.toFixed(2)} µs (${small.mb.toFixed(0)} MB), 10,000 Mappings ${large.cpu.toFixed(2)} µs (${large.mb.toFixed(0)} MB), calls over all of them ${all.cpu.toFixed(2)} µs (${all.mb.toFixed(0)} MB)`,
    );
  }
} finally {
  await backends.stop();
}
const middle = ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)]!;
console.log(
  `10,000 Mappings against one group: ${middle.toFixed(2)} × the CPU of a call (median of ${PAIRS})`,
);
if (!smoke && middle > MOST) process.exit(1);
