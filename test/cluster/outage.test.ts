import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { repository, workFolder } from './support/environment.ts';
import { type LoadResult, startLoad } from './support/load.ts';
import { serinLogs, serinPorts, startSerinPods } from './support/serin-pods.ts';

const example = `${repository}/examples/hello-grpc-kubernetes`;
const user = 'system:serviceaccount:serin:serin';
let cluster: Cluster;
let target: string;

beforeAll(async () => {
  cluster = await startCluster({ forwarded: true });
  await cluster.makeNamespace('serin');
  await cluster.kubectl.must(['apply', '-f', example]);
  await cluster.readyPods('default', 'app=grpc-server', 4);
  const [serin] = await startSerinPods(cluster, { namespace: 'serin' });
  target = `${serin!.status!.podIP}:${serinPorts.calls}`;
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await serinLogs(cluster, 'serin'));
});

test('watch connections that are cut every second for a minute: the state is right, nothing is listed again', async () => {
  const before = listed();
  expect(before.length).toBeGreaterThan(0);
  const accepted = cluster.forwarder!.accepted;
  const load = startLoad({ target, rate: 200 });
  for (let second = 0; second < 60; second++) {
    cluster.forwarder!.cut();
    await wait(700);
    // A change now and then, so that there is something to miss.
    if (second % 10 === 5) await cluster.kubectl.must(['delete', 'service', 'grpc-server-canary']);
    if (second % 10 === 9) await cluster.kubectl.must(['apply', '-f', example]);
    await wait(300);
  }
  expect((await load.stop()).failures).toEqual({});
  await until('the canary has its share', 5_000, () => sharesAre({ '1.0': 80, '1.1': 20 }));
  expect(listed().slice(before.length)).toEqual([]);
  console.log(`watches cut for a minute: ${cluster.forwarder!.accepted - accepted} connections opened anew`);
  expect(cluster.forwarder!.accepted - accepted).toBeGreaterThan(50);
});

test('the API server is away for a minute under load: no call fails, and the state is right afterwards', async () => {
  const load = startLoad({ target, rate: 200 });
  await cluster.control.apiServer.kill();
  await wait(60_000);
  await cluster.control.apiServer.start();
  expect((await load.stop()).failures).toEqual({});
  await cluster.kubectl.must(['delete', 'service', 'grpc-server-canary']);
  await until('all calls go to stable', 30_000, () => sharesAre({ '1.0': 100 }));
  await cluster.kubectl.must(['apply', '-f', example]);
  await until('the canary has its share', 5_000, () => sharesAre({ '1.0': 80, '1.1': 20 }));
});

test('etcd goes back to a snapshot from before: the state is right within 30 s', async () => {
  const snapshot = `${workFolder()}/outage.snapshot`;
  await cluster.control.saveSnapshot(snapshot);
  await cluster.kubectl.must(['delete', 'service', 'grpc-server-canary']);
  await until('all calls go to stable', 5_000, () => sharesAre({ '1.0': 100 }));
  const load = startLoad({ target, rate: 200 });
  await cluster.control.restoreSnapshot(snapshot);
  const restored = performance.now();
  await until('the canary is back', 30_000, () => sharesAre({ '1.0': 80, '1.1': 20 }));
  console.log(`etcd restored: right after ${((performance.now() - restored) / 1000).toFixed(1)} s`);
  expect((await load.stop()).failures).toEqual({});
});

/** What Serin has listed since the beginning. */
function listed(): string[] {
  return cluster.control
    .audit()
    .filter((event) => event.verb === 'list' && event.user === user && event.resource !== 'leases')
    .map(({ uri, status }) => `${status} ${uri}`);
}

async function sharesAre(shares: Readonly<Record<string, number>>): Promise<boolean> {
  const { versions }: LoadResult = await startLoad({ target, rate: 1000, seconds: 0.1 }).result;
  const found = Object.entries(versions).map(([version, { calls }]) => [version, calls] as const);
  return JSON.stringify(found.sort()) === JSON.stringify(Object.entries(shares).sort());
}
