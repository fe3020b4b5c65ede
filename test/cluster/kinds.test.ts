import { setTimeout as wait } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { ambassadorDefinition, mapping } from './support/ambassador.ts';
import { objectPath } from './support/api.ts';
import { greeterMapping, mappedService } from './support/canaries.ts';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { startLoad } from './support/load.ts';
import { deployment } from './support/manifests.ts';
import { serinLogs, serinPorts, startSerinPods } from './support/serin-pods.ts';

const user = 'system:serviceaccount:serin:serin';
const selector = { app: 'shop' };
let cluster: Cluster;
let target: string;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.makeNamespace('serin');
  await cluster.kubectl.apply(deployment({ name: 'shop', replicas: 2, version: 'v1' }));
  await cluster.kubectl.apply(mappedService('shop', selector, greeterMapping('shop', 'shop.test')));
  await cluster.readyPods('default', 'app=shop', 2);
  const [serin] = await startSerinPods(cluster, { namespace: 'serin', args: ['--workers=1'] });
  target = `${serin!.status!.podIP}:${serinPorts.calls}`;
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await serinLogs(cluster, 'serin'));
});

test('definitions of Mappings come, change their versions, live through an API server that starts, and go', async () => {
  const definition = (served: string[], unserved: string[]) =>
    ambassadorDefinition({ kind: 'Mapping', plural: 'mappings', served, unserved });
  await cluster.kubectl.apply(definition(['v3alpha1'], ['v2']));
  const spec = { hostname: '*', prefix: '/later/', service: 'shop:80' };
  await until('a Mapping can be made', 10_000, async () => {
    const made = await cluster.kubectl.run(
      ['apply', '-f', '-'],
      mapping('later', spec, 'getambassador.io/v3alpha1'),
    );
    return made.code === 0;
  });
  await until('the Mapping is served', 10_000, () => isServed('/later/'));
  const load = startLoad({ target, rate: 200, kind: 'http', path: '/later/' });
  // The stored version stays; what is served is another one.
  const stored = JSON.parse(definition(['v2'], ['v3alpha1']));
  for (const version of stored.spec.versions) version.storage = version.name === 'v3alpha1';
  await cluster.kubectl.apply(JSON.stringify(stored));
  await until('Serin reads it in v2', 15_000, () => watches('/apis/getambassador.io/v2/mappings'));
  await cluster.api.patch(objectPath('getambassador.io/v2', 'mappings', 'default', 'later'), {
    spec: { prefix: '/later/', rewrite: '/changed/' },
  });
  await until('a change in v2 is served', 5000, async () => (await body('/later/')).includes('/changed/'));
  await cluster.control.apiServer.kill();
  await cluster.control.apiServer.start();
  // What discovery says in its first seconds must not count.
  await wait(6000);
  expect((await load.stop()).failures).toEqual({});
  // It refuses everything for a moment, which is nobody's missing permission.
  expect(await serinLogs(cluster, 'serin')).not.toMatch(/forbidden/);
  await cluster.kubectl.must(['delete', 'crd', 'mappings.getambassador.io']);
  await until('the Mapping is served no more', 10_000, async () => !(await isServed('/later/')));
});

test('a version that the API server cannot convert to is left for another one', async () => {
  const definition = (served: ('v2' | 'v3alpha1')[]) =>
    JSON.parse(ambassadorDefinition({ kind: 'Mapping', plural: 'mappings', served }));
  await cluster.kubectl.apply(JSON.stringify(definition(['v2'])));
  const body = (prefix: string) => JSON.parse(mapping('stored', { prefix, service: 'shop:80' }));
  const path = objectPath('getambassador.io/v2', 'mappings', 'default');
  await until('a Mapping can be made', 10_000, async () => {
    return cluster.api.post(path, body('/stored/')).then(
      () => true,
      () => false,
    );
  });
  await until('the Mapping is served', 15_000, () => isServed('/stored/'));
  // The preferred version comes, and who would convert to it what is stored in v2 is not there.
  const next = definition(['v2', 'v3alpha1']);
  const clientConfig = { url: 'https://127.0.0.1:9/convert' };
  next.spec.conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig } };
  await cluster.kubectl.apply(JSON.stringify(next));
  const end = performance.now() + 6000;
  while (performance.now() < end) {
    expect(await isServed('/stored/')).toBe(true);
    await wait(100);
  }
  await cluster.api.patch(`${path}/stored`, { spec: { prefix: '/changed/' } });
  await until('the changed Mapping is served', 15_000, () => isServed('/changed/'));
  await cluster.kubectl.must(['delete', 'crd', 'mappings.getambassador.io', '--wait=false']);
  await until('the Mapping is served no more', 10_000, async () => !(await isServed('/changed/')));
});

test('of Secrets only those that are named are read, and a replaced one is used', async () => {
  const names = ['tls.test'];
  const [first, next] = ['first', 'next'].map((subject) => makeCertificate({ subject, names }));
  await cluster.kubectl.apply(`${secret('tls', first!)}\n---\n${secret('unnamed', first!)}`);
  const fields = greeterMapping('shop', 'tls.test');
  const context = [
    'apiVersion: getambassador.io/v2',
    ...['kind: TLSContext', 'name: tls', 'hosts: [tls.test]', 'secret: tls'],
  ];
  await cluster.kubectl.apply(mappedService('tls', selector, [...fields, '---', ...context]));
  await until('the first certificate is shown', 5000, async () => (await shown('tls.test')) === 'first');
  await cluster.kubectl.apply(secret('tls', next!));
  await until('the next certificate is shown', 5000, async () => (await shown('tls.test')) === 'next');
  const read = cluster.control.audit().filter((event) => event.user === user && event.resource === 'secrets');
  expect(read.length).toBeGreaterThan(0);
  for (const { uri } of read)
    expect(uri).toMatch(
      /^\/api\/v1\/namespaces\/default\/secrets\?.*fieldSelector=metadata\.name%3Dtls(&|$)/,
    );
});

test('headless Services, and those without a selector whose slices somebody writes', async () => {
  const [one] = await cluster.readyPods('default', 'app=shop', 2);
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'by-hand-1', labels: { 'kubernetes.io/service-name': 'by-hand' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 50051 }],
    endpoints: [{ addresses: [one!.status!.podIP] }],
  };
  const byHand = JSON.parse(mappedService('by-hand', {}, greeterMapping('by-hand', 'by-hand.test')));
  delete byHand.spec.selector;
  await cluster.kubectl.apply(
    [
      mappedService('headless', selector, greeterMapping('headless', 'headless.test'), { clusterIP: 'None' }),
      JSON.stringify(byHand),
      JSON.stringify(slice),
    ].join('\n---\n'),
  );
  expect(await podsOf('headless.test', 2)).toHaveLength(2);
  expect(await podsOf('by-hand.test', 1)).toEqual([one!.metadata.name]);
});

test('a named port that is another number on each pod', async () => {
  const ports = [{ name: 'grpc', containerPort: 50_060 }];
  const other = deployment({
    name: 'shop-other',
    replicas: 1,
    version: 'v2',
    labels: { app: 'shop-other', ports: 'named' },
    environment: { GRPC_ADDRESS: ':50060' },
    container: { ports, readinessProbe: { grpc: { port: 50_060 }, periodSeconds: 1 } },
  });
  const usual = deployment({
    name: 'shop-usual',
    replicas: 1,
    version: 'v1',
    labels: { app: 'shop-usual', ports: 'named' },
  });
  await cluster.kubectl.apply([other, usual].join('\n---\n'));
  await cluster.kubectl.apply(
    mappedService('named', { ports: 'named' }, greeterMapping('named', 'named.test')),
  );
  await cluster.readyPods('default', 'ports=named', 2);
  expect(await podsOf('named.test', 2)).toHaveLength(2);
});

test('IPv6 alone, and both families: each pod has its share', async () => {
  const service = (name: string, more: object) =>
    mappedService(name, selector, greeterMapping(name, `${name}.test`), { ...more });
  await cluster.kubectl.apply(service('six', { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' }));
  await cluster.kubectl.apply(service('dual', { ipFamilyPolicy: 'RequireDualStack' }));
  expect(await podsOf('six.test', 2)).toHaveLength(2);
  expect(await podsOf('dual.test', 2)).toHaveLength(2);
  const { failures, versions } = await startLoad({ target, rate: 400, seconds: 0.5, host: 'dual.test' })
    .result;
  expect(failures).toEqual({});
  for (const calls of Object.values(versions.v1!.pods)) expect(Math.abs(calls - 100)).toBeLessThanOrEqual(2);
});

test('pods that are not ready are called where publishNotReadyAddresses says so', async () => {
  const readinessProbe = { tcpSocket: { port: 9 }, periodSeconds: 1 };
  await cluster.kubectl.apply(
    deployment({ name: 'early', replicas: 1, version: 'v1', container: { readinessProbe } }),
  );
  const service = (name: string, more: object) =>
    mappedService(name, { app: 'early' }, greeterMapping(name, `${name}.test`), { ...more });
  await cluster.kubectl.apply(service('published', { publishNotReadyAddresses: true }));
  await cluster.kubectl.apply(service('unpublished', {}));
  expect(await podsOf('published.test', 1)).toHaveLength(1);
  const refused = await startLoad({ target, rate: 100, seconds: 0.1, host: 'unpublished.test' }).result;
  expect(Object.keys(refused.failures).join()).toMatch(/Unavailable: .*no ready endpoint/);
});

test('a pod that is terminating finishes its calls and gets no new ones', async () => {
  const metadata = { ticks: '30', every: '100ms' };
  const [pod] = await cluster.readyPods('default', 'app=shop', 2);
  const name = pod!.metadata.name;
  const long = startLoad({ target, rate: 20, seconds: 0.5, kind: 'stream', host: 'shop.test', metadata });
  await wait(1000);
  await cluster.kubectl.must(['delete', 'pod', name, '--wait=false']);
  await wait(300);
  const next = await startLoad({ target, rate: 500, seconds: 0.5, host: 'shop.test' }).result;
  expect([next.failures, Object.keys(next.versions.v1!.pods)]).toEqual([
    {},
    [expect.not.stringMatching(name)],
  ]);
  const { failures, versions } = await long.result;
  expect([failures, versions.v1!.pods[name]]).toEqual([{}, 5]);
});

test('1,200 endpoints in many slices, some of them in two', async () => {
  const sliceOf = (number: number, from: number) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `many-${number}`, labels: { 'kubernetes.io/service-name': 'many' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 50051 }],
    endpoints: Array.from({ length: 100 }, (_, i) => ({
      addresses: [`10.245.${(from + i) >> 7}.${((from + i) & 127) + 1}`],
    })),
  });
  const service = JSON.parse(mappedService('many', {}, greeterMapping('many', 'many.test')));
  delete service.spec.selector;
  const slices = Array.from({ length: 12 }, (_, i) => sliceOf(i, i * 100));
  await cluster.kubectl.apply([service, ...slices].map((object) => JSON.stringify(object)).join('\n---\n'));
  const known = async () => {
    const [admin] = target.split(':');
    const report = await (await fetch(`http://${admin}:${serinPorts.admin}/metrics`)).text();
    return Number(/^serin_service_endpoints\{.*many\.default.*\} (\d+)/m.exec(report)?.[1] ?? 0);
  };
  await until('all are known', 5000, async () => (await known()) === 1200);
  await cluster.kubectl.apply(JSON.stringify(sliceOf(12, 50)));
  await wait(1000);
  expect(await known()).toBe(1200);
});

test('a canary Service that is applied before its pods are ready takes no share until one is', async () => {
  const fields = (name: string) => greeterMapping(name, 'soon.test');
  await cluster.kubectl.apply(mappedService('soon', selector, fields('soon')));
  expect(await podsOf('soon.test', 2)).toHaveLength(2);
  const load = startLoad({ target, rate: 500, host: 'soon.test' });
  const labels = { app: 'soon-canary' };
  await cluster.kubectl.apply(mappedService('soon-canary', labels, [...fields('soon-canary'), 'weight: 20']));
  await wait(1000);
  const environment = { START_DELAY: '1s' };
  await cluster.kubectl.apply(
    deployment({ name: 'soon-canary', replicas: 1, version: 'v2', labels, environment }),
  );
  await cluster.readyPods('default', 'app=soon-canary', 1);
  await wait(1000);
  const { failures, versions } = await load.stop();
  expect(failures).toEqual({});
  const after = await startLoad({ target, rate: 1000, seconds: 0.5, host: 'soon.test' }).result;
  expect(Math.abs(after.versions.v2!.calls - 100)).toBeLessThanOrEqual(1);
  expect(versions.v2!.firstAt - versions.v1!.firstAt).toBeGreaterThan(2000);
});

async function body(path: string): Promise<string> {
  return (await fetch(`http://${target}${path}`)).text();
}

async function isServed(path: string): Promise<boolean> {
  return (await fetch(`http://${target}${path}`)).ok;
}

/** Whether Serin has begun to watch a path. */
function watches(path: string): boolean {
  return cluster.control
    .audit()
    .some((event) => event.user === user && event.verb === 'watch' && event.uri.startsWith(`${path}?`));
}

/** The pods that answer calls for a host, once there are so many and no call fails. */
async function podsOf(host: string, count: number): Promise<string[]> {
  let pods: string[] = [];
  await until(`${count} pods answer for ${host}`, 15_000, async () => {
    const { failures, versions } = await startLoad({ target, rate: 500, seconds: 0.1, host }).result;
    pods = Object.values(versions).flatMap((version) => Object.keys(version.pods));
    return Object.keys(failures).length === 0 && pods.length === count;
  });
  return pods;
}

/** The common name of the certificate that is shown to a client that asks for a host. */
function shown(servername: string): Promise<string> {
  const [host, port] = target.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), servername, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', () => resolve(''));
  });
}

function secret(name: string, { certificate, privateKey }: TestCertificate): string {
  const stringData = { 'tls.crt': certificate, 'tls.key': privateKey };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name },
    stringData,
  });
}
