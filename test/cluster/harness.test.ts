import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient, type ApiError, objectPath } from './support/api.ts';
import { type Cluster, isReady, startCluster, until } from './support/cluster.ts';
import { endpointsOf } from './support/endpoints.ts';
import { workFolder } from './support/environment.ts';
import { startLoad } from './support/load.ts';
import { deployment, service } from './support/manifests.ts';

let cluster: Cluster;
const namespace = 'harness';

beforeAll(async () => {
  cluster = await startCluster({ forwarded: true });
  await cluster.makeNamespace(namespace);
});
afterAll(() => cluster?.stop());

test('kubectl, helm and API server are those that setup.sh builds', async () => {
  const { kubectl } = cluster;
  const version = JSON.parse(await kubectl.must(['version', '-o', 'json']));
  expect([version.clientVersion.gitVersion, version.serverVersion.gitVersion]).toEqual([
    'v1.35.4',
    'v1.35.4',
  ]);
  expect((await kubectl.helm(['version', '--short'])).out).toMatch(/^v3\.19\.5/);
});

test('helm installs a chart and takes it away', async () => {
  const chart = `${workFolder()}/chart`;
  mkdirSync(`${chart}/templates`, { recursive: true });
  writeFileSync(`${chart}/Chart.yaml`, 'apiVersion: v2\nname: little\nversion: 0.1.0\n');
  writeFileSync(`${chart}/templates/service.yaml`, service('{{ .Release.Name }}', { app: 'none' }));
  const installed = await cluster.kubectl.helm(['install', 'charted', chart, '-n', namespace]);
  expect(installed).toMatchObject({ code: 0 });
  const path = objectPath('v1', 'services', namespace, 'charted');
  expect(await cluster.api.find(path)).not.toBeNull();
  expect(await cluster.kubectl.helm(['uninstall', 'charted', '-n', namespace])).toMatchObject({ code: 0 });
  expect(await cluster.api.find(path)).toBeNull();
});

test('a Deployment becomes a ReplicaSet, ready pods and an EndpointSlice with their addresses', async () => {
  await cluster.kubectl.apply(deployment({ name: 'hello', replicas: 2, version: '1.0' }), namespace);
  await cluster.kubectl.apply(service('hello', { app: 'hello' }), namespace);
  const pods = await cluster.readyPods(namespace, 'app=hello', 2);
  const addresses = pods.map((pod) => pod.status!.podIP!).sort();
  await until('both addresses are ready in the slice', 10_000, async () => {
    const endpoints = await endpointsOf(cluster.api, namespace, 'hello');
    const ready = endpoints.filter(({ conditions }) => conditions.ready);
    return (
      ready
        .flatMap((endpoint) => endpoint.addresses)
        .sort()
        .join() === addresses.join()
    );
  });
  const load = startLoad({ target: `${addresses[0]}:50051`, rate: 200, seconds: 1 });
  const { calls, failures, versions } = await load.result;
  expect({ calls, failures, answered: versions['1.0']?.calls }).toEqual({
    calls: 200,
    failures: {},
    answered: 200,
  });
  const http = await fetch(`http://${addresses[1]}:8080/there`);
  expect(await http.text()).toMatch(/^Hello \/there, I am 1\.0 on hello-/);
});

test('a cluster IP leads to all ready pods', async () => {
  const { spec } = await cluster.api.get<{ spec: { clusterIP: string } }>(
    objectPath('v1', 'services', namespace, 'hello'),
  );
  const load = startLoad({ target: `${spec.clusterIP}:50051`, rate: 200, seconds: 1, connections: 20 });
  const { failures, versions } = await load.result;
  expect(failures).toEqual({});
  expect(Object.keys(versions['1.0']!.pods)).toHaveLength(2);
});

test('scaling adds pods and takes them away', async () => {
  await cluster.kubectl.must(['scale', 'deployment/hello', '--replicas=5', '-n', namespace]);
  await cluster.readyPods(namespace, 'app=hello', 5);
  await cluster.kubectl.must(['scale', 'deployment/hello', '--replicas=1', '-n', namespace]);
  await cluster.readyPods(namespace, 'app=hello', 1);
  await until('one endpoint is left', 10_000, async () => {
    return (await endpointsOf(cluster.api, namespace, 'hello')).length === 1;
  });
});

test('a rolling update replaces all pods', async () => {
  const before = await cluster.readyPods(namespace, 'app=hello', 1);
  await cluster.kubectl.must(['scale', 'deployment/hello', '--replicas=3', '-n', namespace]);
  await cluster.readyPods(namespace, 'app=hello', 3);
  await cluster.kubectl.apply(deployment({ name: 'hello', replicas: 3, version: '1.1' }), namespace);
  await cluster.kubectl.must(['rollout', 'status', 'deployment/hello', '--timeout=60s', '-n', namespace]);
  const after = await cluster.readyPods(namespace, 'app=hello', 3);
  expect(after.map(({ metadata }) => metadata.uid)).not.toContain(before[0]!.metadata.uid);
  const load = startLoad({ target: `${after[0]!.status!.podIP}:50051`, rate: 100, seconds: 0.5 });
  expect(Object.keys((await load.result).versions)).toEqual(['1.1']);
});

test('a deleted pod is terminating in the slice while its call finishes, and takes no new connection', async () => {
  const [pod] = await cluster.readyPods(namespace, 'app=hello', 3);
  const name = pod!.metadata.name;
  const target = `${pod!.status!.podIP}:50051`;
  const long = startLoad({ target, rate: 4, seconds: 0.3, connections: 1, metadata: { sleep: '2s' } });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await cluster.kubectl.must(['delete', 'pod', name, '--wait=false', '-n', namespace]);
  await until('it is terminating', 2_000, async () => {
    const endpoints = await endpointsOf(cluster.api, namespace, 'hello');
    const ours = endpoints.find(({ targetRef }) => targetRef?.name === name);
    return ours?.conditions.terminating === true && ours.conditions.ready === false;
  });
  const late = await startLoad({ target, rate: 10, seconds: 0.2 }).result;
  expect(Object.keys(late.failures).join()).toMatch(/connection refused/);
  const { calls, failures } = await long.result;
  expect({ calls, failures }).toEqual({ calls: 1, failures: {} });
  await until('the pod has gone', 5_000, async () => {
    return (await cluster.api.find(objectPath('v1', 'pods', namespace, name))) === null;
  });
  await cluster.readyPods(namespace, 'app=hello', 3);
});

test("a pod's token works against the API server as far as RBAC lets it", async () => {
  await cluster.kubectl.apply(
    [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader' } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'reader' },
        rules: [{ apiGroups: [''], resources: ['services'], verbs: ['list'] }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'reader' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'reader' }],
      },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'reader' },
        spec: {
          serviceAccountName: 'reader',
          securityContext: { runAsNonRoot: true, runAsUser: 65532 },
          containers: [
            {
              name: 'reader',
              image: 'serin:test',
              command: ['/nodejs/bin/node', '-e', readerProgram],
              securityContext: {
                readOnlyRootFilesystem: true,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        },
      },
    ]
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
    namespace,
  );
  const reader = await until('the pod has asked', 20_000, async () => {
    const pods = await cluster.pods(namespace);
    return pods.some(({ metadata, status }) => metadata.name === 'reader' && status?.phase === 'Running');
  }).then(() => cluster.kubelet!.pod(namespace, 'reader'));
  await until('it has said all', 10_000, () => reader.log().includes('end'));
  expect(reader.log().trim().split('\n')).toEqual([
    'user 65532',
    'services 200',
    'pods 403',
    'write EROFS',
    'namespace harness',
    'end',
  ]);
});

test('a token that is refreshed is another one, in the same file', async () => {
  const reader = cluster.kubelet!.pod(namespace, 'reader');
  const file = `/proc/${reader.pid()}/root/run/secrets/kubernetes.io/serviceaccount/token`;
  const before = readFileSync(file, 'utf8');
  await cluster.kubelet!.refreshTokens();
  const after = readFileSync(file, 'utf8');
  expect(after).not.toBe(before);
  const account = new ApiClient({ ...cluster.control.access, token: after });
  await account.get(objectPath('v1', 'services', namespace));
  await expect(account.get(objectPath('v1', 'secrets', namespace))).rejects.toMatchObject({
    status: 403,
    reason: 'Forbidden',
  });
  account.close();
});

test('what a kubelet refuses is refused', async () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'refused' },
    spec: {
      securityContext: { runAsNonRoot: true },
      containers: [
        { name: 'a', image: 'serin-test/backend:1.0' },
        { name: 'b', image: 'example.org/none:1' },
      ],
    },
  };
  await cluster.kubectl.apply(JSON.stringify(pod), namespace);
  let reasons: unknown;
  await until('both containers wait for good', 10_000, async () => {
    const [found] = (await cluster.pods(namespace)).filter(({ metadata }) => metadata.name === 'refused');
    reasons = found?.status?.containerStatuses?.map(({ state }) => state.waiting?.reason);
    return JSON.stringify(reasons) === '["CreateContainerConfigError","ErrImagePull"]';
  });
});

test('a container that ends is started again, and one that is not live too', async () => {
  const container = (name: string, program: string, more = {}) => ({
    name,
    image: 'serin:test',
    command: ['/nodejs/bin/node', '-e', program],
    ...more,
  });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'restarts' },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        container('ends', 'setTimeout(() => process.exit(3), 300)'),
        container('dead', 'setInterval(() => {}, 1000)', {
          livenessProbe: { tcpSocket: { port: 9 }, periodSeconds: 1, failureThreshold: 1 },
        }),
      ],
    },
  };
  await cluster.kubectl.apply(JSON.stringify(pod), namespace);
  await until('both have been started again', 20_000, async () => {
    const [found] = (await cluster.pods(namespace)).filter(({ metadata }) => metadata.name === 'restarts');
    const statuses = found?.status?.containerStatuses ?? [];
    return statuses.length === 2 && statuses.every(({ restartCount }) => restartCount > 0);
  });
  await cluster.kubectl.must(['delete', 'pod', 'restarts', '-n', namespace]);
});

test('connections to the API server that are cut come back', async () => {
  const { forwarder, api } = cluster;
  const target = `https://10.244.0.1:${forwarder!.port}`;
  const through = new ApiClient({ ...api.access, server: target });
  let events = 0;
  const watching = (async () => {
    for await (const _ of through.watch(`${objectPath('v1', 'pods', namespace)}?watch=1`)) events++;
  })();
  const cut = expect(watching).rejects.toThrow();
  await until('the watch is there', 2_000, () => events > 0);
  forwarder!.cut();
  await cut;
  forwarder!.refuse(true);
  await expect(through.text('/readyz')).rejects.toThrow();
  forwarder!.refuse(false);
  expect(await through.text('/readyz')).toBe('ok');
  through.close();
});

test('the API server can be killed and comes back; meanwhile pods go on', async () => {
  const { control } = cluster;
  const pods = await cluster.readyPods(namespace, 'app=hello', 3);
  await control.apiServer.kill();
  await expect(cluster.api.text('/readyz')).rejects.toThrow();
  const load = await startLoad({ target: `${pods[0]!.status!.podIP}:50051`, rate: 100, seconds: 1 }).result;
  expect(load.failures).toEqual({});
  await control.apiServer.start();
  await cluster.kubectl.must(['scale', 'deployment/hello', '--replicas=4', '-n', namespace]);
  await cluster.readyPods(namespace, 'app=hello', 4);
});

test('etcd goes back to a snapshot, and resource versions with it', async () => {
  const { control, api } = cluster;
  const path = objectPath('v1', 'services', namespace);
  await control.saveSnapshot(`${workFolder()}/etcd.snapshot`);
  const before = await api.get<{ metadata: { resourceVersion: string } }>(path);
  for (let i = 0; i < 20; i++) await cluster.kubectl.apply(service(`later-${i}`, { app: 'none' }), namespace);
  await control.restoreSnapshot(`${workFolder()}/etcd.snapshot`);
  expect(await api.find(`${path}/later-0`)).toBeNull();
  const after = await api.get<{ metadata: { resourceVersion: string } }>(path);
  expect(Number(after.metadata.resourceVersion)).toBeLessThan(Number(before.metadata.resourceVersion) + 200);
  await cluster.readyPods(namespace, 'app=hello', 4);
});

test('tokens signed by a key that was replaced are refused', async () => {
  const access = await cluster.accountAccess(namespace, 'reader');
  const account = new ApiClient(access);
  await account.get(objectPath('v1', 'services', namespace));
  await cluster.control.replaceTokenKey();
  const refused = await account
    .get(objectPath('v1', 'services', namespace))
    .catch((error: ApiError) => error);
  expect(refused).toMatchObject({ status: 401 });
  account.close();
  expect((await cluster.pods(namespace, 'app=hello')).every(isReady)).toBe(true);
});

/** What the pod `reader` runs: it asks the API server as any program in a cluster does. */
const readerProgram = `
const { readFileSync, writeFileSync } = require('node:fs');
const { request } = require('node:https');
const { tmpdir } = require('node:os');
const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
const read = (name) => readFileSync(folder + '/' + name, 'utf8');
const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
const ask = (plural) => new Promise((resolve, reject) => {
  const path = '/api/v1/namespaces/' + read('namespace') + '/' + plural;
  const headers = { authorization: 'Bearer ' + read('token') };
  request({ host, port, path, ca: read('ca.crt'), headers }, ({ statusCode }) => resolve(statusCode))
    .on('error', reject).end();
});
(async () => {
  console.log('user', process.getuid());
  console.log('services', await ask('services'));
  console.log('pods', await ask('pods'));
  try { writeFileSync(tmpdir() + '/x', ''); console.log('write succeeded'); } catch ({ code }) { console.log('write', code); }
  console.log('namespace', read('namespace'));
  console.log('end');
  setInterval(() => {}, 1000);
  process.once('SIGTERM', () => process.exit(0));
})();
`;
