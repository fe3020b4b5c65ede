import { mkdirSync, symlinkSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  canary,
  canaryDefinition,
  canaryPath,
  getCanary,
  greeterMapping,
  mappedService,
  readyReason,
} from './support/canaries.ts';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { built, repository, workFolder } from './support/environment.ts';
import { startLoad } from './support/load.ts';
import { shopRelease } from './support/manifests.ts';
import { processesOf } from './support/processes.ts';
import { type Finished, runProgram } from './support/program.ts';
import { serinLogs, serinPorts, startSerinPods } from './support/serin-pods.ts';

const main = `${repository}/dist/cli/main.js`;
const selector = { app: 'shop' };
const operator = 'system:serviceaccount:default:operator';
let cluster: Cluster;
/** Where each replica takes calls. */
let targets: readonly string[];
/** Of somebody who may give commands and nothing else. */
let environment: NodeJS.ProcessEnv;

/** What somebody needs who gives commands. */
const operatorObjects = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'operator', namespace: 'default' } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'operator' },
    rules: [
      { apiGroups: ['serin.dev'], resources: ['canaries'], verbs: ['get'] },
      { apiGroups: ['serin.dev'], resources: ['canaries/status'], verbs: ['patch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['list'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'operator' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'operator' },
    subjects: [{ kind: 'ServiceAccount', name: 'operator', namespace: 'default' }],
  },
].map((object) => JSON.stringify(object));

beforeAll(async () => {
  cluster = await startCluster({ crds: [canaryDefinition] });
  await cluster.makeNamespace('serin');
  const objects = [
    mappedService('shop', selector, greeterMapping('shop', 'shop.test')),
    ...['v1', 'v2', 'v3'].map((version) => shopRelease(version)),
    canary('shop', { service: 'shop:50051', stable: 'v1', canary: 'v2', weight: 20 }),
    ...operatorObjects,
  ];
  await cluster.kubectl.apply(objects.join('\n---\n'));
  await cluster.readyPods('default', 'app=shop', 3);
  const request = { namespace: 'serin', replicas: 2, args: ['--workers=1'] };
  const pods = await startSerinPods(cluster, request);
  targets = pods.map(({ status }) => `${status!.podIP}:${serinPorts.calls}`);
  environment = { ...process.env, KUBECONFIG: await cluster.accountKubeconfig('default', 'operator') };
  await until('the Canary is Ready', 20_000, async () => {
    return readyReason(await getCanary(cluster.api, 'shop')) === 'Ready';
  });
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await serinLogs(cluster, 'serin'));
});

test('set-weight returns when both replicas serve exactly the new share', async () => {
  const out = await serinOnce('set-weight', 'shop', '7%');
  expect(out).toMatch(/^shop\.default: 7 % \(before: 20 %\), set; served by all 2 replicas$/m);
  expect(await canaryCalls()).toEqual([70, 70]);
});

test('set-weight takes fractions of a percent', async () => {
  expect(await serin('set-weight', 'shop.default', '0.25')).toMatchObject({ code: 0 });
  expect(await canaryCalls(2000)).toEqual([5, 5]);
});

test('pause holds what counts: a changed spec is shown and not applied; resume lets it count', async () => {
  expect(await serinOnce('pause', 'shop')).toMatch(/^shop\.default: 0\.25 % .*paused; served by all 2/m);
  await cluster.api.patch(canaryPath('shop'), { spec: { weight: 40 } });
  await until('the status is about the new spec', 10_000, async () => {
    const { metadata, status } = await getCanary(cluster.api, 'shop');
    return status?.observedGeneration === metadata.generation;
  });
  const { spec, status } = await getCanary(cluster.api, 'shop');
  expect([spec.weight, status!.weight, status!.overlay!.state]).toEqual([40, 0.25, 'paused']);
  expect(await cluster.kubectl.must(['get', 'canaries', 'shop'])).toMatch(/ 0\.25 .* paused +True/);
  const [one, other] = await canaryCalls();
  expect(Math.max(one!, other!)).toBeLessThanOrEqual(3);
  const out = await serinOnce('resume', 'shop');
  expect(out).toMatch(/^shop\.default: 40 % \(before: 0\.25 %\), as written; served by all 2 replicas$/m);
  expect(await canaryCalls()).toEqual([400, 400]);
});

test('promote gives the canary all, abort nothing', async () => {
  expect(await serinOnce('promote', 'shop')).toMatch(/100 % \(before: 40 %\), promoted; served by all 2/);
  expect(await canaryCalls()).toEqual([1000, 1000]);
  expect(await serinOnce('abort', 'shop')).toMatch(/ 0 % \(before: 100 %\), aborted; served by all 2/);
  expect(await canaryCalls()).toEqual([0, 0]);
});

test('another release ends what a command has set', async () => {
  await cluster.api.patch(canaryPath('shop'), { spec: { canary: 'v3', weight: 10 } });
  await until('the new weight counts', 10_000, async () => {
    const { metadata, status } = await getCanary(cluster.api, 'shop');
    return status?.observedGeneration === metadata.generation && status?.weight === 10;
  });
  for (const target of targets) {
    const { versions } = await startLoad({ target, rate: 1000, seconds: 1, host: 'shop.test' }).result;
    expect([versions.v1?.calls, versions.v2?.calls, versions.v3?.calls]).toEqual([900, undefined, 100]);
  }
  await cluster.api.patch(canaryPath('shop'), { spec: { canary: 'v2' } });
  await serin('resume', 'shop');
});

test('commands that are given at once are all carried out', async () => {
  const before = writes();
  const weights = ['30%', '31%', '32%', '33%'];
  const done = await Promise.all(weights.map((weight) => serin('set-weight', 'shop', weight)));
  expect(done.map(({ code, err }) => [code, err])).toEqual(weights.map(() => [0, '']));
  expect(writes() - before).toBe(4);
  const { status } = await getCanary(cluster.api, 'shop');
  const last = status!.overlay!.weight as number;
  expect(weights).toContain(`${last}%`);
  expect(await canaryCalls()).toEqual([last * 10, last * 10]);
});

test('a command after which somebody else has written is given again', async () => {
  // Whoever else writes the status all the time: each write makes a version of its own.
  let going = true;
  const others = (async () => {
    for (let i = 0; going; i++) {
      await cluster.api.patch(`${canaryPath('shop')}/status`, { status: { others: [`somebody-${i}`] } });
      await wait(15);
    }
  })();
  const before = conflicts();
  for (let i = 0; i < 5; i++)
    expect(await serin('set-weight', 'shop', `${50 + i}`)).toMatchObject({ code: 0 });
  going = false;
  await others;
  console.log(`${conflicts() - before} conflicts in 5 commands`);
  expect((await getCanary(cluster.api, 'shop')).status!.overlay!.weight).toBe(54);
});

test('kubectl serin is the same program', async () => {
  const folder = `${workFolder()}/plugins`;
  mkdirSync(folder);
  symlinkSync(main, `${folder}/kubectl-serin`);
  const PATH = `${folder}:${process.execPath.replace(/\/[^/]+$/, '')}:${process.env.PATH}`;
  const kubectl = (...args: string[]) =>
    runProgram([built.kubectl, 'serin', ...args], '', { ...environment, PATH });
  const { code, out, err } = await kubectl('set-weight', 'shop', '50%', '-o', 'json');
  expect([code, err]).toEqual([0, '']);
  expect(JSON.parse(out)).toMatchObject({
    name: 'shop.default',
    before: 54,
    weight: 50,
    state: 'set',
    replicas: { applied: [expect.any(String), expect.any(String)], waiting: [], unseen: null },
  });
  expect(await canaryCalls()).toEqual([500, 500]);
  expect(await kubectl('pause', 'nothing')).toMatchObject({
    code: 1,
    err: 'serin: there is no Canary nothing in the namespace default; kubectl get canaries -A lists all\n',
  });
  expect(await kubectl('set-weight', 'shop', '101')).toMatchObject({ code: 2 });
});

test('abort --end-streams ends the running calls of the canary, and leaves those of stable alone', async () => {
  const metadata = { ticks: '60', every: '100ms' };
  const request = { rate: 20, seconds: 1, kind: 'stream', host: 'shop.test', metadata } as const;
  const loads = targets.map((target) => startLoad({ target, ...request }));
  await wait(1500);
  const abortedAt = Date.now();
  await serinOnce('abort', 'shop', '--end-streams', '1s');
  for (const load of loads) {
    const { failures, firstFailures, versions } = await load.result;
    const [reason] = Object.keys(failures);
    expect(Object.values(failures)).toEqual([10]);
    expect(reason).toMatch(/^Unavailable: /);
    expect([versions.v1?.calls, versions.v2]).toEqual([10, undefined]);
    const endedAt = firstFailures!.map(({ at, tookMs }) => at + tookMs - abortedAt);
    console.log(
      `streams ended ${Math.min(...endedAt).toFixed(0)} to ${Math.max(...endedAt).toFixed(0)} ms after abort`,
    );
    expect(Math.min(...endedAt)).toBeGreaterThan(900);
    expect(Math.max(...endedAt)).toBeLessThan(4500);
  }
});

test('a command waits for each replica, and says which does not serve it', async () => {
  const [pod] = await cluster.pods('serin', 'app=serin');
  const pid = cluster.kubelet!.pod('serin', pod!.metadata.name).pid()!;
  // Its control process stands still: what is written cannot be compiled there.
  const [control] = await processesOf(pid, 'control-main');
  process.kill(control!, 'SIGSTOP');
  const { code, out } = await serin('set-weight', 'shop', '12%', '--timeout', '2s');
  process.kill(control!, 'SIGCONT');
  expect(code).toBe(1);
  expect(out).toMatch(new RegExp(`served by 1 of 2 replicas, not yet by ${pod!.metadata.name}`));
  expect(await serin('set-weight', 'shop', '13%')).toMatchObject({ code: 0 });
  expect(await canaryCalls()).toEqual([130, 130]);
});

/** Runs a command that must write once, and succeed. */
async function serinOnce(...args: string[]): Promise<string> {
  const before = writes();
  const { code, out, err } = await serin(...args);
  expect([code, err, writes() - before]).toEqual([0, '', 1]);
  return out;
}

/** Runs a command of Serin as somebody outside of the cluster. */
function serin(...args: string[]): Promise<Finished> {
  return runProgram([process.execPath, main, ...args, '--kubernetes'], '', environment);
}

/** How many of the next calls each replica's canary gets. */
function canaryCalls(calls = 1000): Promise<number[]> {
  return Promise.all(
    targets.map(async (target) => {
      const { failures, versions } = await startLoad({
        target,
        rate: 1000,
        seconds: calls / 1000,
        host: 'shop.test',
      }).result;
      expect(failures).toEqual({});
      return versions.v2?.calls ?? 0;
    }),
  );
}

/** What the commands have written since the beginning. */
function writes(): number {
  return cluster.control
    .audit()
    .filter(({ user, verb, status }) => user === operator && verb === 'patch' && status === 200).length;
}

function conflicts(): number {
  return cluster.control.audit().filter(({ user, status }) => user === operator && status === 409).length;
}
