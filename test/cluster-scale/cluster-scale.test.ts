import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { objectPath } from '../cluster/support/api.ts';
import { type Cluster, startCluster } from '../cluster/support/cluster.ts';
import type { EndpointSlice } from '../cluster/support/endpoints.ts';
import { mustRun } from '../cluster/support/program.ts';
import { Reflector } from '../cluster/support/reflector.ts';
import { type RunningSerin, startSerin } from '../support/serin.ts';

/*
 * A large cluster, as objects only: 5,000 Services with 4 endpoints each, and their 20,000 pods. How long a start takes, what it
 * keeps in memory, what changes cost, and how soon one is served. The figures are printed.
 */

const services = 5000;
const endpoints = 4;
/** Services that have a Mapping in the first run; in the second all have. */
const mapped = 200;
const changesPerSecond = 100;
/** Backends of the Service whose endpoint changes: two addresses of this network, on one port. */
const addresses = ['10.244.0.201', '10.244.0.202'] as const;
const port = 18_080;
const slicesPath = objectPath('discovery.k8s.io/v1', 'endpointslices', 'default');

let cluster: Cluster;
let backends: readonly Server[];

beforeAll(async () => {
  cluster = await startCluster({ nodes: [] });
  await cluster.makeNamespace('settled');
  // Nobody makes objects beside these.
  await cluster.control.controllerManager.kill();
  writeAccount(cluster);
  const began = performance.now();
  const api = cluster.api;
  await inParallel(services, async (i) => {
    await api.post(objectPath('v1', 'services', 'default'), serviceOf(i, i < mapped));
    await api.post(slicesPath, sliceOf(i));
    for (let j = 0; j < endpoints; j++) await api.post(objectPath('v1', 'pods', 'default'), podOf(i, j));
  });
  console.log(`${services} Services, ${services * endpoints} pods made in ${seconds(began)} s`);
  backends = await Promise.all(addresses.map(startBackend));
  await api.post(objectPath('v1', 'services', 'default'), {
    metadata: { name: 'probe', annotations: { 'getambassador.io/config': mapping('probe', '/probe/') } },
    spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] },
  });
  await api.post(slicesPath, probeSlice(addresses[0]));
});
afterAll(async () => {
  for (const backend of backends ?? []) backend.close();
  await cluster?.stop();
});

test(`${services} Services, ${mapped} of them with a Mapping`, () => measure(`${mapped} Mappings`));

test(`${services} Services, all with a Mapping`, async () => {
  await inParallel(services - mapped, async (i) => {
    const { metadata } = serviceOf(i + mapped, true);
    await cluster.api.patch(objectPath('v1', 'services', 'default', metadata.name), { metadata });
  });
  await measure(`${services} Mappings`);
});

async function measure(name: string): Promise<void> {
  const began = performance.now();
  const args = ['--kubernetes', '--workers=1', '--allow-backend=10.244.0.0/16'];
  const { hostname, port: apiPort } = new URL(cluster.control.access.server);
  const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: apiPort };
  const serin = await startSerin(args, environment);
  const readyMs = performance.now() - began;
  try {
    await wait(2000);
    const { control, workers } = await serin.children();
    const memory = { control: megabytes(control[0]!), worker: megabytes(workers[0]!) };
    const pids = [serin.pid, ...control, ...workers];
    const idle = await cpuOf(pids, () => wait(3000));
    const busy = await cpuOf(pids, () => changeEndpoints(6));
    const late = await changeLatencies(serin, 200);
    const p = (share: number) => late[Math.floor(late.length * share)]!;
    console.log(
      `${name}: ready after ${(readyMs / 1000).toFixed(1)} s; control ${memory.control} MB, worker ${memory.worker} MB; CPU idle ${idle} %, with ${changesPerSecond} changes/s ${busy} %; a change is served after p50 ${p(0.5).toFixed(1)} ms, p99 ${p(0.99).toFixed(1)} ms, max ${late.at(-1)!.toFixed(1)} ms`,
    );
    console.log(`afterwards control ${megabytes(control[0]!)} MB, worker ${megabytes(workers[0]!)} MB`);
    expect.soft(readyMs).toBeLessThan(5000);
    expect.soft(memory.control).toBeLessThan(300);
    expect.soft(memory.worker).toBeLessThan(300);
    expect.soft(busy).toBeLessThan(30);
    expect.soft(p(0.99)).toBeLessThan(50);
  } finally {
    await serin.stop();
  }
}

/** What a pod finds of its ServiceAccount; run.sh has a /run of its own. */
function writeAccount({ control: { access } }: Cluster): void {
  const folder = '/run/secrets/kubernetes.io/serviceaccount';
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/token`, access.token);
  writeFileSync(`${folder}/ca.crt`, access.authority);
  writeFileSync(`${folder}/namespace`, 'default');
}

/** Services whose first endpoint is not ready now. */
const notReady = new Set<number>();

/** Changes so many slices a second, evenly: one endpoint's readiness each. */
async function changeEndpoints(forSeconds: number): Promise<void> {
  const began = performance.now();
  const running: Promise<unknown>[] = [];
  for (let made = 0; made < forSeconds * changesPerSecond; made++) {
    const dueAt = began + (made * 1000) / changesPerSecond;
    if (dueAt > performance.now()) await wait(dueAt - performance.now());
    const i = (made * 7) % services;
    if (!notReady.delete(i)) notReady.add(i);
    const slice = sliceOf(i, !notReady.has(i));
    running.push(cluster.api.patch(`${slicesPath}/${slice.metadata.name}`, { endpoints: slice.endpoints }));
  }
  await Promise.all(running);
}

/** How long after its watch event (as it comes here) a changed endpoint answers calls, sorted, in milliseconds. */
async function changeLatencies(serin: RunningSerin, changes: number): Promise<number[]> {
  let seen = { address: '', at: 0 };
  const watch = new Reflector<EndpointSlice>(cluster.api, slicesPath, {
    changed: ({ metadata, endpoints: listed }) => {
      if (metadata.name === 'probe') seen = { address: listed![0]!.addresses[0]!, at: performance.now() };
    },
    gone: () => {},
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const late: number[] = [];
  while (seen.at === 0) await wait(10);
  for (let change = 0; change < changes; change++) {
    const next = addresses.find((address) => address !== seen.address)!;
    await wait(20);
    const patched = cluster.api.patch(`${slicesPath}/probe`, { endpoints: probeSlice(next).endpoints });
    const end = performance.now() + 5000;
    while ((await ask(serin.listen, agent)) !== next) {
      if (performance.now() > end) throw new Error(`change ${change} is not served after 5 s`);
    }
    const servedAt = performance.now();
    await patched;
    while (seen.address !== next) await wait(1);
    late.push(Math.max(0, servedAt - seen.at));
  }
  await watch.stop();
  agent.destroy();
  return late.sort((a, b) => a - b);
}

function ask(listen: string, agent: Agent): Promise<string> {
  const [host, at] = listen.split(':');
  return new Promise((resolve, reject) => {
    request({ host, port: at, path: '/probe/', agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    })
      .on('error', reject)
      .end();
  });
}

/** A backend that answers with its own address. */
async function startBackend(address: string): Promise<Server> {
  await mustRun(['ip', 'address', 'add', `${address}/32`, 'dev', 'br0']);
  const server = createServer((_request, response) => response.end(address));
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return server;
}

/** Percent of one core that processes use while something goes on. */
async function cpuOf(pids: readonly number[], during: () => Promise<unknown>): Promise<number> {
  const ticks = () => {
    let sum = 0;
    for (const pid of pids) {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [user, system] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13);
      sum += Number(user) + Number(system);
    }
    return sum;
  };
  const before = ticks();
  const began = performance.now();
  await during();
  // A tick is 10 ms.
  return Math.round(((ticks() - before) * 10 * 100) / (performance.now() - began));
}

function megabytes(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Math.round(Number(kilobytes) / 1024);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

async function inParallel(count: number, one: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: 48 }, lane));
}

function mapping(name: string, prefix: string): string {
  return [
    'apiVersion: getambassador.io/v2',
    'kind: Mapping',
    `name: ${name}`,
    `prefix: ${prefix}`,
    `service: ${name}.default:80`,
  ].join('\n');
}

function serviceOf(i: number, isMapped: boolean) {
  const name = `service-${i}`;
  const annotations = isMapped ? { 'getambassador.io/config': mapping(name, `/${name}/`) } : {};
  return {
    metadata: { name, annotations },
    spec: { clusterIP: 'None', selector: { app: name }, ports: [{ name: 'http', port: 80 }] },
  };
}

function podOf(i: number, j: number) {
  const labels = { app: `service-${i}`, version: j === 0 ? 'v2' : 'v1', 'pod-template-hash': 'abcdef123' };
  return {
    metadata: { name: `service-${i}-${j}`, labels },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'none' }] },
  };
}

function sliceOf(i: number, firstIsReady = true) {
  return {
    metadata: { name: `service-${i}`, labels: { 'kubernetes.io/service-name': `service-${i}` } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: endpoints }, (_, j) => ({
      addresses: [`10.${128 + (i >> 12)}.${(i >> 4) & 255}.${((i & 15) << 4) + j + 1}`],
      conditions: { ready: j > 0 || firstIsReady, serving: true, terminating: false },
      targetRef: { kind: 'Pod', name: `service-${i}-${j}`, namespace: 'default' },
      nodeName: 'node-0',
    })),
  };
}

function probeSlice(address: string) {
  return {
    metadata: { name: 'probe', labels: { 'kubernetes.io/service-name': 'probe' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
}
