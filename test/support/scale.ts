import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { greeterClient, startGreeter } from '../../src/cli/demo/greeter.ts';
import { startSerin } from './serin.ts';

const FILES = 100;
const PER_FILE = 100;
/** File in which the group stands that real servers are behind. */
const LIVE_FILE = 50;

/** How the Mappings are written: documents, documents with a warning each, or annotations on Services. */
export type Writing = 'v3alpha1' | 'v3alpha1 with a warning each' | 'v0 annotations';

/** All writings. */
export const writings: readonly Writing[] = ['v3alpha1', 'v3alpha1 with a warning each', 'v0 annotations'];

/** What a gateway with 10,000 Mappings in 100 files needs. */
export interface ScaleFigures {
  /** From the start of the process until /readyz says 200. */
  readonly readyMs: number;
  /** From the write of a weight until calls on every connection see it, for each of the changes. */
  readonly changesMs: readonly number[];
  /** Resident memory by process, in MB. */
  readonly memoryMb: {
    readonly parent: number;
    readonly control: number;
    readonly workers: readonly number[];
  };
}

/** Starts a gateway on 10,000 Mappings (5,000 groups), changes one weight so many times, and ends it. */
export async function measureScale(writing: Writing, changes: number): Promise<ScaleFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'serin-scale-'));
  for (let file = 0; file < FILES; file++) writeFileSync(fileOf(folder, file), textOf(writing, file, 0));
  const servers = [await startGreeter('1.0', 0), await startGreeter('1.1', 0)];
  const host = (name: string, at: number) => [
    '--resolve',
    `${name}.live.svc.cluster.local:50051=127.0.0.1:${servers[at]!.port}`,
  ];
  const from = performance.now();
  const serin = await startSerin([folder, ...host('greeter', 0), ...host('greeter-canary', 1)]);
  const readyMs = performance.now() - from;
  // Round robin: twice as many connections as workers reach each of them.
  const { workers, control } = await serin.children();
  const clients = Array.from({ length: 2 * workers.length }, () => greeterClient(serin.listen));
  try {
    const changesMs: number[] = [];
    for (let n = 1; n <= changes; n++) {
      const canary = n % 2 === 1;
      const written = performance.now();
      writeFileSync(fileOf(folder, LIVE_FILE), textOf(writing, LIVE_FILE, canary ? 100 : 0));
      const seen = clients.map(async (client) => {
        while (!(await client.sayHello('x')).endsWith(canary ? '1.1' : '1.0')) await pause(1);
        return performance.now() - written;
      });
      changesMs.push(Math.max(...(await Promise.all(seen))));
      await pause(150);
    }
    const memoryMb = {
      parent: residentMb(serin.pid),
      control: residentMb(control[0]!),
      workers: workers.map(residentMb),
    };
    return { readyMs, changesMs, memoryMb };
  } finally {
    for (const client of clients) client.close();
    await serin.stop();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  }
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Figures in one line. */
export function describeFigures(writing: Writing, { readyMs, changesMs, memoryMb }: ScaleFigures): string {
  const changed = `median ${median(changesMs).toFixed(0)} ms, worst of ${changesMs.length} ${Math.max(...changesMs).toFixed(0)} ms`;
  const memory = `parent ${memoryMb.parent}, control ${memoryMb.control}, workers ${memoryMb.workers.join(' and ')} MB`;
  return `10,000 Mappings as ${writing}: ready after ${readyMs.toFixed(0)} ms; a weight served ${changed}; ${memory}`;
}

function fileOf(folder: string, file: number): string {
  return join(folder, `f${file}.yaml`);
}

function textOf(writing: Writing, file: number, liveWeight: number): string {
  const make = writing === 'v0 annotations' ? annotation : document;
  return Array.from({ length: PER_FILE }, (_, i) => {
    const group = Math.floor((file * PER_FILE + i) / 2);
    const live = file === LIVE_FILE && i < 2;
    const canary = i % 2 === 1;
    return make({
      name: `m-${file}-${i}`,
      prefix: live ? '/helloworld.Greeter/' : `/svc${group}.v1.Api/`,
      service: `${live ? 'greeter' : `svc${group}`}${canary ? '-canary' : ''}.live:50051`,
      weight: canary ? (live ? liveWeight : 20) : null,
      warning: writing === 'v3alpha1 with a warning each',
    });
  }).join('');
}

interface Written {
  readonly name: string;
  readonly prefix: string;
  readonly service: string;
  readonly weight: number | null;
  readonly warning: boolean;
}

function document({ name, prefix, service, weight, warning }: Written): string {
  return `---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: ${name}
spec:
  hostname: "*"
  prefix: ${prefix}
  rewrite: ""
  grpc: true
  service: ${service}
${weight === null ? '' : `  weight: ${weight}\n`}${warning ? '  connect_timeout_ms: 5000\n' : ''}`;
}

function annotation({ name, prefix, service, weight }: Written): string {
  return `---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
  annotations:
    getambassador.io/config: |
      ---
      apiVersion: ambassador/v0
      kind: Mapping
      name: ${name}
      grpc: True
      prefix: ${prefix}
      rewrite: ""
      service: ${service}
${weight === null ? '' : `      weight: ${weight}\n`}spec:
  ports:
  - {name: grpc, port: 50051}
  selector: {app: ${name}}
`;
}

function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
