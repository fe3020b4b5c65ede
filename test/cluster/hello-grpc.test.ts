import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startSerin } from '../support/serin.ts';
import { objectPath } from './support/api.ts';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { repository } from './support/environment.ts';
import { type LoadResult, startLoad } from './support/load.ts';
import { Reflector } from './support/reflector.ts';
import { serinLogs, serinPorts, startSerinPods } from './support/serin-pods.ts';

const example = `${repository}/examples/hello-grpc-kubernetes`;
let cluster: Cluster;
/** Where a Serin that runs as a pod takes calls. */
let target: string;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.makeNamespace('serin');
  const [serin] = await startSerinPods(cluster, { namespace: 'serin' });
  target = `${serin!.status!.podIP}:${serinPorts.calls}`;
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await serinLogs(cluster, 'serin'));
});

test('kubectl apply of the example divides calls 80 to 20 as soon as its pods are ready', async () => {
  await cluster.kubectl.must(['apply', '-f', example]);
  await cluster.readyPods('default', 'app=grpc-server', 4);
  await until('both versions answer', 2_000, async () => {
    const { versions } = await startLoad({ target, rate: 100, seconds: 0.1 }).result;
    return versions['1.0'] !== undefined && versions['1.1'] !== undefined;
  });
  const result = await startLoad({ target, rate: 500, seconds: 2 }).result;
  expect(counts(result)).toEqual({ failures: {}, '1.0': 800, '1.1': 200 });
});

test('without the canary Service all calls go to stable within 200 ms; back, it has its share', async () => {
  const load = startLoad({ target, rate: 500, seconds: 4 });
  let deletedAt = Number.NaN;
  const watch = new Reflector(cluster.api, objectPath('v1', 'services', 'default'), {
    changed: () => {},
    gone: ({ metadata }) => {
      if (metadata.name === 'grpc-server-canary') deletedAt = Date.now();
    },
  });
  await until('the watch is there', 2_000, () => watch.objects.size > 0);
  await cluster.kubectl.must(['delete', 'service', 'grpc-server-canary']);
  const result = await load.result;
  await watch.stop();
  expect(result.failures).toEqual({});
  const lateMs = result.versions['1.1']!.lastAt - deletedAt;
  console.log(`the last call of the canary began ${lateMs.toFixed(0)} ms after the watch event`);
  expect(lateMs).toBeLessThan(200);
  await cluster.kubectl.must(['apply', '-f', example]);
  await until('the canary has its share again', 2_000, async () => {
    return counts(await startLoad({ target, rate: 500, seconds: 0.2 }).result)['1.1'] === 20;
  });
});

test('Serin outside of the cluster, with the kubeconfig of a ServiceAccount, does the same', async () => {
  const KUBECONFIG = await cluster.accountKubeconfig('serin', 'serin');
  const serin = await startSerin(['--kubernetes'], { KUBECONFIG });
  try {
    const result = await startLoad({ target: serin.listen, rate: 500, seconds: 1 }).result;
    expect(counts(result)).toEqual({ failures: {}, '1.0': 400, '1.1': 100 });
  } finally {
    await serin.stop();
  }
});

/** Failures, and calls by version. */
function counts({ failures, versions }: LoadResult): Record<string, unknown> {
  return {
    failures,
    ...Object.fromEntries(Object.entries(versions).map(([version, { calls }]) => [version, calls])),
  };
}
