import { expect, test } from 'vitest';
import { Compiler } from './compiler.ts';
import { testOptions } from './test-support.ts';

const mapping = (service: string, namespace = 'default'): string =>
  `---\napiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: m, namespace: ${namespace}}\nspec: {prefix: /, service: "${service}"}\n`;
const service =
  '---\napiVersion: v1\nkind: Service\nmetadata: {name: quote}\nspec: {ports: [{name: http, port: 80, targetPort: http}], selector: {app: quote, version: v0}}\n';
const slice = (name: string, ports: string, endpoints: string): string =>
  `---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: ${name}, labels: {kubernetes.io/service-name: quote}}\naddressType: IPv4\nports: ${ports}\nendpoints: ${endpoints}\n`;

function endpointsOf(key: string, text: string, resolve: (typeof testOptions)['resolve'] = []) {
  return new Compiler({ ...testOptions, resolve }).update([{ path: 'a.yaml', text }]).services.get(key);
}
const list = (key: string, text: string): string[] =>
  (endpointsOf(key, text)?.endpoints ?? []).map(
    ({ address, port, version }) => `${address}:${port} ${version}`,
  );

test('report 18: one named port, two numbers; a slice has ports of its own', () => {
  const text =
    mapping('quote') +
    service +
    slice('quote-a', '[{name: http, port: 9001}]', '[{addresses: [127.0.0.1], conditions: {ready: true}}]') +
    slice(
      'quote-b',
      '[{name: http, port: 9002}, {name: admin, port: 9001}]',
      '[{addresses: [127.0.0.2]}, {addresses: [127.0.0.3], conditions: {ready: false}}]',
    );
  expect(list('quote.default:80', text)).toEqual(['127.0.0.1:9001 v0', '127.0.0.2:9002 v0']);
});

test('the version of an endpoint is its pod’s label, else the revision of its Deployment', () => {
  const pod = (name: string, labels: string): string =>
    `---\napiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, labels: ${labels}}\n`;
  const refs = ['a', 'b', 'c', 'd']
    .map((name, i) => `{addresses: [10.0.0.${i}], targetRef: {kind: Pod, name: ${name}}}`)
    .join(', ');
  const text =
    mapping('quote.default.svc.cluster.local:80') +
    service +
    slice('s', '[{name: http, port: 9001}]', `[${refs}]`) +
    pod('a', '{version: v1}') +
    pod('b', '{app.kubernetes.io/version: "2.0"}') +
    pod('c', '{pod-template-hash: abc}') +
    '---\napiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: r, labels: {pod-template-hash: abc}, annotations: {deployment.kubernetes.io/revision: "7"}}\n';
  expect(list('quote.default.svc.cluster.local:80', text)).toEqual([
    '10.0.0.0:9001 v1',
    '10.0.0.1:9001 2.0',
    '10.0.0.2:9001 7',
    '10.0.0.3:9001 v0',
  ]);
});

test('an Endpoints object counts where there is no slice, and a port that the Service lacks is a problem', () => {
  const endpoints =
    '---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: quote}\nsubsets: [{addresses: [{ip: 10.0.0.1}], ports: [{name: http, port: 8}]}]\n';
  expect(list('quote.default:80', mapping('quote') + service + endpoints)).toEqual(['10.0.0.1:8 v0']);
  expect(endpointsOf('quote.default:81', mapping('quote:81') + service + endpoints)).toMatchObject({
    state: 'known',
    endpoints: [],
    problem: 'Service quote.default has no port 81',
    everReady: false,
  });
});

test('a service with no objects waits for DNS, an IP address does not', () => {
  expect(endpointsOf('quote.default:80', mapping('quote'))).toMatchObject({
    state: 'pending',
    version: 'quote',
  });
  expect(list('10.1.1.1:80', mapping('10.1.1.1'))).toEqual(['10.1.1.1:80 10.1.1.1']);
  expect(endpointsOf('[::1]:9', mapping('[::1]:9'))?.endpoints[0]?.address).toBe('::1');
});

test.each([
  'stock:50051',
  'stock.default:50051',
  'stock.default.svc:50051',
  'stock.default.svc.cluster.local:50051',
])('--resolve %s means every spelling of the service', (name) => {
  const resolve = [{ service: name, endpoints: [{ address: '127.0.0.1', port: 1 }] }];
  for (const written of ['stock:50051', 'stock.default:50051', 'stock.default.svc.cluster.local:50051']) {
    const key = written === 'stock:50051' ? 'stock.default:50051' : written;
    expect(endpointsOf(key, mapping(written), resolve)?.endpoints).toHaveLength(1);
  }
  expect(endpointsOf('stock.default:50052', mapping('stock:50052'), resolve)?.state).toBe('pending');
});

test('--resolve with the short name as a manifest of another namespace spells it', () => {
  const resolve = [{ service: 'stock:1', endpoints: [{ address: '127.0.0.1', port: 1 }] }];
  expect(endpointsOf('stock.depot:1', mapping('stock:1', 'depot'), resolve)?.state).toBe('known');
  expect(endpointsOf('stock.depot:1', mapping('stock.depot:1', 'depot'), resolve)?.state).toBe('pending');
});

test('everReady stays true when the last endpoint goes', () => {
  const compiler = new Compiler(testOptions);
  const text = mapping('quote') + service;
  const ready = slice('s', '[{name: http, port: 9}]', '[{addresses: [10.0.0.1]}]');
  compiler.update([{ path: 'a.yaml', text: text + ready }]);
  const { endpointsPatch } = compiler.update([
    { path: 'a.yaml', text: text + ready.replace('10.0.0.1]', '10.0.0.1], conditions: {ready: false}') },
  ]);
  expect(endpointsPatch.set).toMatchObject([{ endpoints: [], everReady: true, state: 'known' }]);
});
