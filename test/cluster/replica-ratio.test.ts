import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { scrape, sum } from '../support/scrape.ts';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { startLoad } from './support/load.ts';
import { shopRelease, shopService } from './support/manifests.ts';
import { serinLogs, serinPorts, startSerinPods } from './support/serin-pods.ts';

let cluster: Cluster;
let target: string;
let admin: string;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.makeNamespace('serin');
  await cluster.kubectl.apply([shopService, shopRelease('v1', 3), shopRelease('v2', 1)].join('\n---\n'));
  await cluster.readyPods('default', 'app=shop', 4);
  const [serin] = await startSerinPods(cluster, { namespace: 'serin' });
  target = `${serin!.status!.podIP}:${serinPorts.calls}`;
  admin = `http://${serin!.status!.podIP}:${serinPorts.admin}`;
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await serinLogs(cluster, 'serin'));
});

test('Deployments of 3 and 1 replicas behind one Service: 25 %, and the counters of each version say so', async () => {
  const { failures, versions } = await startLoad({ target, rate: 400, seconds: 1 }).result;
  expect(failures).toEqual({});
  // Each of two workers draws for itself: at most one call away from the share.
  expect(Math.abs(versions.v2!.calls - 100)).toBeLessThanOrEqual(2);
  await until('all calls are counted', 2_000, async () => {
    return sum(await scrape(admin), 'serin_requests_total') === 400;
  });
  const samples = await scrape(admin);
  expect(sum(samples, 'serin_requests_total', 'version="v2"')).toBe(versions.v2!.calls);
  expect(sum(samples, 'serin_split_weight', 'version="v2"')).toBe(0.25);
});

test('scaled to 3 and 2 replicas: 40 %', async () => {
  await cluster.kubectl.must(['scale', 'deployment/shop-v2', '--replicas=2']);
  await cluster.readyPods('default', 'app=shop', 5);
  await until('the share has followed', 2_000, async () => {
    return sum(await scrape(admin), 'serin_split_weight', 'version="v2"') === 0.4;
  });
  const { failures, versions } = await startLoad({ target, rate: 500, seconds: 1 }).result;
  expect(failures).toEqual({});
  expect(Math.abs(versions.v2!.calls - 200)).toBeLessThanOrEqual(2);
});
