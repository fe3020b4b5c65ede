import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { objectPath } from './support/api.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { startLoad } from './support/load.ts';
import { deployment } from './support/manifests.ts';
import { serinLogs, serinManifests, serinPorts, startSerinPods } from './support/serin-pods.ts';

let cluster: Cluster;
/** The cluster IP of Serin's Service, with its port. */
let virtual: string;
const rollout = ['rollout', 'status', '--timeout=120s'];
const labels = { app: 'rolled' };

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'rolled',
    annotations: {
      'getambassador.io/config': [
        'apiVersion: getambassador.io/v2',
        'kind: Mapping',
        'name: rolled',
        'grpc: true',
        'prefix: /helloworld.Greeter/',
        'rewrite: /helloworld.Greeter/',
        'service: rolled.default:50051',
      ].join('\n'),
    },
  },
  spec: { selector: labels, ports: [{ name: 'grpc', port: 50051, targetPort: 'grpc' }] },
};

/** Each call takes a while, so that some run on every pod that is stopped. */
const backend = (version: string) =>
  deployment({ name: 'rolled', replicas: 10, version, labels, environment: { LATENCY: '20ms' } });

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.makeNamespace('serin');
  await cluster.kubectl.apply(`${JSON.stringify(service)}\n---\n${backend('1.0')}`);
  await cluster.readyPods('default', 'app=rolled', 10);
  await startSerinPods(cluster, serin);
  const { spec } = await cluster.api.get<{ spec: { clusterIP: string } }>(
    objectPath('v1', 'services', 'serin', 'serin'),
  );
  virtual = `${spec.clusterIP}:80`;
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await serinLogs(cluster, 'serin'));
});

const serin = { namespace: 'serin', replicas: 2, args: ['--drain-delay=3s'] };

test('a rolling update of 10 pods under 2,000 calls/s loses none', async () => {
  const [pod] = await cluster.readyPods('serin', 'app=serin', 2);
  const load = startLoad({ target: `${pod!.status!.podIP}:${serinPorts.calls}`, rate: 2000, connections: 8 });
  await cluster.kubectl.apply(backend('1.1'));
  await cluster.kubectl.must([...rollout, 'deployment/rolled']);
  const { failures, firstFailures, versions, calls, p99Ms } = await load.stop();
  console.log(`rolling update of 10 pods: ${calls} calls, p99 ${p99Ms.toFixed(1)} ms`);
  expect({ failures, firstFailures }).toEqual({ failures: {}, firstFailures: null });
  expect(Object.keys(versions).sort()).toEqual(['1.0', '1.1']);
});

test('a rolling update of Serin itself, two replicas behind a Service, loses no call', async () => {
  const load = startLoad({ target: virtual, rate: 1000, connections: 8 });
  await cluster.kubectl.apply(serinManifests({ ...serin, args: [...serin.args, '--access-log'] }), 'serin');
  await cluster.kubectl.must([...rollout, 'deployment/serin', '-n', 'serin']);
  // What is terminating still has calls.
  await cluster.readyPods('serin', 'app=serin', 2);
  const { failures, firstFailures, calls } = await load.stop();
  console.log(`rolling update of Serin: ${calls} calls`);
  expect({ failures, firstFailures }).toEqual({ failures: {}, firstFailures: null });
});
