import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';
import { scrape, sum } from '../support/scrape.ts';
import { startSerin, until } from '../support/serin.ts';
import { context, pair, secret } from '../support/tls-manifests.ts';
import { startBackends } from './backends.ts';
import { sizes, Users } from './users.ts';
import { descriptors, growth, type Held, look } from './watch.ts';

/** How long the load lasts. */
const minutes = Number(process.env.SERIN_MIXED_MINUTES ?? 15);
/** Calls that are made at a time, and the pause behind each (ms, on average). */
const atATime = 48;
const pauseMs = 20;
/** One call of so many is broken off by its client. */
const oneAborted = 20;

const authority = makeCertificate({ subject: 'authority' });
const certificate = makeCertificate({ subject: 'mixed', names: ['mixed.test'], issuer: authority });

interface Kind {
  readonly name: string;
  readonly prefix: string;
  readonly fields: string;
}

const mapped: readonly Kind[] = [
  { name: 'plain', prefix: '/plain/', fields: 'timeout_ms: 30000' },
  { name: 'plain2', prefix: '/plain2/', fields: 'grpc: true, timeout_ms: 30000' },
  { name: 'grpc', prefix: '/serin.Kinds/', fields: 'grpc: true' },
  { name: 'websocket', prefix: '/ws/', fields: 'allow_upgrade: [websocket], timeout_ms: 30000' },
];

function mappings(weight: number): string {
  const one = ({ name, prefix, fields }: Kind, canary: boolean): string => `---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: ${name}${canary ? '-canary' : ''}}
spec: {hostname: "*", prefix: ${prefix}, rewrite: "", service: "${name}${canary ? '-canary' : ''}:80", ${fields}${canary ? `, weight: ${weight}` : ''}}
`;
  return mapped.map((kind) => one(kind, false) + one(kind, true)).join('');
}

const rest = `---
apiVersion: getambassador.io/v3alpha1
kind: Module
metadata: {name: ambassador}
spec: {config: {enable_grpc_web: true}}
${pair('mixed', certificate)}${secret('ca', { 'tls.crt': authority.certificate })}${context('mixed', 'hosts: [mixed.test], secret: mixed')}`;

test(`${minutes} minutes of all protocols at once`, async () => {
  const stable = await startBackends();
  const canary = await startBackends();
  const folder = mkdtempSync(join(tmpdir(), 'serin-mixed-'));
  const file = join(folder, 'mappings.yaml');
  writeFileSync(file, mappings(20));
  writeFileSync(join(folder, 'rest.yaml'), rest);
  const resolve = mapped.flatMap(({ name }) => {
    const key = name as 'plain' | 'plain2' | 'grpc' | 'websocket';
    return [
      '--resolve',
      `${name}:80=127.0.0.1:${stable[key]}`,
      '--resolve',
      `${name}-canary:80=127.0.0.1:${canary[key]}`,
    ];
  });
  const serin = await startSerin([folder, '--workers', '2', ...resolve]);
  const before = await descriptors(serin);
  const users = new Users(Number(serin.listen.split(':')[1]), authority.certificate);
  const sorts = Object.entries(users.sorts);
  const tally = new Map(sorts.map(([name]) => [name, { answered: 0, aborted: 0 }]));
  const wrong: string[] = [];
  const samples: Held[] = [];
  const began = performance.now();
  const end = began + minutes * 60_000;
  let calls = 0;
  let changes = 0;

  const user = async (): Promise<void> => {
    while (performance.now() < end && wrong.length < 20) {
      const n = calls++;
      const [name, sort] = sorts[n % sorts.length]!;
      const size = sizes[Math.floor(Math.random() * sizes.length)]!;
      const abort = Math.random() * oneAborted < 1;
      try {
        tally.get(name)![await sort(size, abort)]++;
      } catch (error) {
        wrong.push(
          `${Math.round((performance.now() - began) / 1000)} s, ${name}, ${size} bytes: ${(error as Error).message}`,
        );
      }
      await new Promise((done) => setTimeout(done, Math.random() * 2 * pauseMs));
    }
  };
  const weights = setInterval(() => writeFileSync(file, mappings(1 + ((++changes * 37) % 98))), 1000);
  const memory = setInterval(() => void look(serin, began).then((held) => samples.push(held)), 5000);
  try {
    await Promise.all(Array.from({ length: atATime }, user));
    clearInterval(memory);
    clearInterval(weights);
    users.close();
    await until(async () => sum(await scrape(serin.admin), 'serin_requests_in_flight') === 0, 10_000);
    await until(
      async () => sum(await scrape(serin.admin), 'serin_connections_active', 'downstream') === 0,
      10_000,
    );
    const after = await scrape(serin.admin);
    // Counts are reported ten times a second, and the upstreams' connections come to their ends, too.
    let left = 0;
    const none = async (): Promise<boolean> => {
      const upstreams = sum(await scrape(serin.admin), 'serin_connections_active', 'upstream');
      left = (await descriptors(serin)) - before - upstreams;
      return left === 0;
    };
    await until(none, 10_000).catch(() => {});
    const counted = sum(after, 'serin_requests_total');
    const cancelled = sum(after, 'serin_requests_total', 'reason="cancelled"');
    const fine = sum(after, 'serin_requests_total', 'reason=""');
    const [answered, aborted] = ['answered', 'aborted'].map((kind) =>
      [...tally.values()].reduce((all, one) => all + one[kind as 'answered' | 'aborted'], 0),
    ) as [number, number];
    if (wrong.length > 0) {
      console.log(wrong.join('\n'));
      const told = [...after].filter(
        ([name, value]) => value > 0 && !/_bucket|duration|first_byte/.test(name),
      );
      console.log(told.map(([name, value]) => `${name} ${value}`).join('\n'));
    }
    const fifth = samples.find(({ seconds }) => seconds >= minutes * 20) ?? samples.at(-1)!;
    const last = samples.at(-1)!;
    const slope = growth(samples, minutes * 20);
    console.log(
      [...tally]
        .map(([name, { answered, aborted }]) => `${name}: ${answered} answered, ${aborted} aborted`)
        .join('\n'),
    );
    console.log(
      `${minutes} minutes, ${changes} weight changes: ${answered} answered, ${aborted} aborted; counted ${counted}: ${fine} fine, ${cancelled} cancelled\n` +
        `memory: ${fifth.mib.toFixed(0)} MiB after a third, ${last.mib.toFixed(0)} at the end, growth behind the third ${slope.toFixed(2)} MiB a minute ` +
        `(at the end parent, control, workers: ${last.each.map((mib) => mib.toFixed(0)).join(', ')}); descriptors left: ${left}`,
    );
    console.log(
      samples
        .filter((_, i) => i % 6 === 0)
        .map((s) => s.each.map((mib) => mib.toFixed(0)).join('/'))
        .join(' '),
    );
    expect(wrong).toEqual([]);
    // A call that its client broke off may have been over before it noticed, or not have begun.
    expect(fine).toBeGreaterThanOrEqual(answered);
    expect(counted).toBe(fine + cancelled);
    expect(counted).toBeLessThanOrEqual(answered + aborted);
    expect(left).toBe(0);
    expect(sum(after, 'serin_worker_deaths_total')).toBe(0);
    expect(sum(after, 'serin_config_errors')).toBe(0);
    // What a Node process holds moves by some MiB: in a short run that is no growth.
    if (minutes >= 15) expect(slope).toBeLessThan(1);
    expect(last.mib).toBeLessThan(fifth.mib * 1.2);
  } finally {
    clearInterval(memory);
    clearInterval(weights);
    users.close();
    await serin.stop();
    stable.close();
    canary.close();
  }
});
