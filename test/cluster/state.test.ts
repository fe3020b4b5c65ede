import { mkdtempSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSerin } from '../support/serin.ts';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { repository, workFolder } from './support/environment.ts';
import { startLoad } from './support/load.ts';
import { serinManifests } from './support/serin-pods.ts';

const example = `${repository}/examples/hello-grpc-kubernetes`;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.makeNamespace('serin');
  await cluster.kubectl.must(['apply', '-f', example]);
  // Its ServiceAccount and role; no pod.
  await cluster.kubectl.apply(serinManifests({ namespace: 'serin', replicas: 0 }), 'serin');
  await cluster.readyPods('default', 'app=grpc-server', 4);
});
afterAll(() => cluster?.stop());

test('started again without the API server it serves what it served last; what has changed meanwhile is right afterwards', async () => {
  const state = mkdtempSync(`${workFolder()}/state-`);
  const environment = { KUBECONFIG: await cluster.accountKubeconfig('serin', 'serin') };
  const args = ['--kubernetes', '--workers=1', '--state', state];
  const first = await startSerin(args, environment);
  expect(await shares(first.listen)).toEqual({ '1.0': 80, '1.1': 20 });
  await wait(1500);
  expect(await first.stop()).toBe(0);

  await cluster.control.apiServer.kill();
  // On another port than before.
  const second = await startSerin(args, environment);
  try {
    expect(second.log()).toMatch(/the cluster is not reached; what was served last is served/);
    expect(await shares(second.listen)).toEqual({ '1.0': 80, '1.1': 20 });
    // It says what is wrong.
    const report = await (await fetch(`${second.admin}/api/v1/errors`)).text();
    expect(report).toMatch(/kubernetes-unreachable/);
    expect((await fetch(`${second.admin}/readyz`)).status).toBe(200);

    const load = startLoad({ target: second.listen, rate: 200 });
    await cluster.control.apiServer.start();
    // Somebody deletes the canary before Serin has looked.
    await cluster.kubectl.must(['delete', 'service', 'grpc-server-canary']);
    await until('all calls go to stable', 20_000, async () => {
      return JSON.stringify(await shares(second.listen)) === '{"1.0":100}';
    });
    await cluster.kubectl.must(['apply', '-f', example]);
    await until('the canary has its share', 10_000, async () => {
      return JSON.stringify(await shares(second.listen)) === '{"1.0":80,"1.1":20}';
    });
    expect((await load.stop()).failures).toEqual({});
    await until('nothing is wrong', 10_000, async () => {
      return !(await (await fetch(`${second.admin}/api/v1/errors`)).text()).includes('kubernetes-');
    });
  } finally {
    await second.stop();
  }
});

test('endpoints that have gone while it was away are not called for long', async () => {
  const state = mkdtempSync(`${workFolder()}/state-`);
  const environment = { KUBECONFIG: await cluster.accountKubeconfig('serin', 'serin') };
  const args = ['--kubernetes', '--workers=1', '--state', state];
  const first = await startSerin(args, environment);
  await wait(1500);
  await first.stop();
  const before = await cluster.readyPods('default', 'app=grpc-server,version=v1', 2);
  // All pods of production are others by the time it is back, and their addresses are free.
  await cluster.kubectl.must(['delete', 'pods', '-l', 'app=grpc-server,version=v1', '--wait=false']);
  await until('others are there', 30_000, async () => {
    const pods = await cluster.pods('default', 'app=grpc-server,version=v1');
    const names = pods.map(({ metadata }) => metadata.name);
    return names.length === 2 && before.every(({ metadata }) => !names.includes(metadata.name));
  });
  await cluster.readyPods('default', 'app=grpc-server,version=v1', 2);
  const second = await startSerin(args, environment);
  try {
    const { failures } = await startLoad({ target: second.listen, rate: 200, seconds: 1 }).result;
    expect(failures).toEqual({});
    expect(await shares(second.listen)).toEqual({ '1.0': 80, '1.1': 20 });
  } finally {
    await second.stop();
  }
});

/** Calls of 100 by version; failed ones under what they failed with. */
async function shares(target: string): Promise<Record<string, number>> {
  const { versions, failures } = await startLoad({ target, rate: 1000, seconds: 0.1 }).result;
  const found = Object.entries(versions).map(([version, { calls }]) => [version, calls] as const);
  return { ...Object.fromEntries(found.sort()), ...failures };
}
