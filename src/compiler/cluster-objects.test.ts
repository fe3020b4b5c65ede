import { expect, test } from 'vitest';
import { Compiler, type CompilerOptions } from './compiler.ts';
import { testOptions } from './test-support.ts';

const inCluster: CompilerOptions = { ...testOptions, inCluster: true };
const meta = (name: string, more: object = {}): object => ({ name, namespace: 'default', ...more });
const mapping = (service: string): object => ({
  apiVersion: 'getambassador.io/v3alpha1',
  kind: 'Mapping',
  metadata: meta('m'),
  spec: { hostname: '*', prefix: '/', service },
});
const service = (spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta('quote'),
  spec: { ports: [{ name: 'http', port: 80 }], selector: { app: 'quote' }, ...spec },
});
const slice = (name: string, endpoints: readonly object[], more: object = {}): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: meta(name, { labels: { 'kubernetes.io/service-name': 'quote' } }),
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 9001 }],
  endpoints,
  ...more,
});
const pod = (name: string, labels: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: meta(name, { labels }),
});
const at = (address: string, conditions: object = {}, more: object = {}): object => ({
  addresses: [address],
  conditions,
  ...more,
});

function input(object: object): { path: string; object: Record<string, unknown> } {
  const { kind, metadata } = object as { kind: string; metadata: { name: string; namespace: string } };
  return {
    path: `${kind} ${metadata.name}.${metadata.namespace}`,
    object: object as Record<string, unknown>,
  };
}

function find(key: string, objects: readonly object[], options = inCluster) {
  const { services } = new Compiler(options).update(objects.map(input));
  const found = services.get(key)!;
  return {
    ...found,
    list: found.endpoints.map(({ address, port, version }) => `${address}:${port} ${version}`),
  };
}

test('a Service’s annotation is read, and places are lines of the annotation', () => {
  const annotation =
    'apiVersion: ambassador/v0\nkind: Mapping\nname: good\nprefix: /a/\nservice: quote\n---\napiVersion: ambassador/v0\nkind: Mapping\nname: bad\nprefix: /b/\nwieght: 10\nservice: quote\n';
  const object = {
    ...service(),
    metadata: meta('quote', { annotations: { 'getambassador.io/config': annotation } }),
  };
  const { snapshot, issues } = new Compiler(inCluster).update([input(object)]);
  expect([...snapshot.routes.values()].map(({ name }) => name)).toEqual(['good.default']);
  expect(issues).toMatchObject([{ file: 'Service quote.default', line: 11, object: 'Mapping bad.default' }]);
});

test('a broken object keeps its last good state until it goes', () => {
  const compiler = new Compiler(inCluster);
  compiler.update([input(mapping('quote'))]);
  const broken = { ...mapping('quote'), spec: { prefix: 7 } };
  const kept = compiler.update([input(broken)]);
  expect(kept.snapshot.routes.size).toBe(1);
  expect(kept.issues.every(({ kept: stays }) => stays)).toBe(true);
  expect(kept.issues.length).toBeGreaterThan(0);
  const gone = compiler.update([{ path: 'Mapping m.default', object: null }]);
  expect([gone.snapshot.routes.size, gone.issues.length]).toEqual([0, 0]);
});

test('a Service of the cluster without slices never goes to DNS, a name that is none does', () => {
  expect(find('quote.default:80', [mapping('quote'), service()])).toMatchObject({
    state: 'known',
    problem: 'no endpoint of quote.default is ready',
  });
  expect(find('quote.default:80', [mapping('quote')]).state).toBe('pending');
  expect(find('quote.default:80', [mapping('quote'), service()], testOptions).state).toBe('pending');
});

test('an ExternalName Service is looked up by its name', () => {
  const external = service({ type: 'ExternalName', externalName: 'db.example.org.' });
  expect(find('quote.default:80', [mapping('quote'), external])).toMatchObject({
    state: 'pending',
    lookup: 'db.example.org',
  });
});

test('a terminating endpoint gets calls only where none is ready', () => {
  const going = at('10.0.0.1', { ready: false, serving: true, terminating: true });
  const gone = at('10.0.0.9', { ready: false, serving: false, terminating: true });
  const objects = [mapping('quote'), service()];
  const of = (endpoints: readonly object[]) =>
    find('quote.default:80', [...objects, slice('s', endpoints)]).list;
  expect(of([going, gone, at('10.0.0.2', { ready: true })])).toEqual(['10.0.0.2:9001 quote']);
  expect(of([going, gone])).toEqual(['10.0.0.1:9001 quote']);
  expect(of([gone])).toEqual([]);
});

test('an address in two slices is one endpoint; dual stack: the family that the Service prefers', () => {
  const six = { addressType: 'IPv6' };
  const objects = [
    mapping('quote'),
    slice('a', [at('10.0.0.1'), at('10.0.0.2')]),
    slice('b', [at('10.0.0.2')]),
    slice('c', [at('fd00::1'), at('fd00::2')], six),
  ];
  const list = (families: string[]): string[] =>
    find('quote.default:80', [...objects, service({ ipFamilies: families })]).list;
  expect(list(['IPv4', 'IPv6'])).toEqual(['10.0.0.1:9001 quote', '10.0.0.2:9001 quote']);
  expect(list(['IPv6', 'IPv4'])).toEqual(['fd00::1:9001 quote', 'fd00::2:9001 quote']);
});

test('a port that a headless Service lacks is the number on its pods; others say so', () => {
  const slices = slice('s', [at('10.0.0.1')]);
  expect(
    find('quote.default:7777', [mapping('quote:7777'), service({ clusterIP: 'None' }), slices]).list,
  ).toEqual(['10.0.0.1:7777 quote']);
  expect(find('quote.default:7777', [mapping('quote:7777'), service(), slices]).problem).toBe(
    'Service quote.default has no port 7777',
  );
});

test('topology hints count in a zone, where every endpoint has one', () => {
  const hinted = (address: string, zone: string) =>
    at(address, {}, { hints: { forZones: [{ name: zone }] } });
  const objects = [
    mapping('quote'),
    service(),
    slice('s', [hinted('10.0.0.1', 'a'), hinted('10.0.0.2', 'b')]),
  ];
  const list = (zone: string | null, more: object[] = []): string[] =>
    find('quote.default:80', [...objects, ...more], { ...inCluster, zone }).list;
  expect(list('b')).toEqual(['10.0.0.2:9001 quote']);
  expect(list(null)).toHaveLength(2);
  expect(list('c')).toHaveLength(2);
  expect(list('b', [slice('t', [at('10.0.0.3')])])).toHaveLength(3);
});

test('an address that is refused is no endpoint, and the problem says why', () => {
  const refuses = (address: string) => (address.startsWith('127.') ? `${address} is refused` : null);
  expect(find('127.0.0.1:8877', [mapping('127.0.0.1:8877')], { ...inCluster, refuses })).toMatchObject({
    list: [],
    problem: '127.0.0.1 is refused',
  });
});

test('a pod’s label that changes touches its services only, and says nothing new', () => {
  const compiler = new Compiler(inCluster);
  const target = { targetRef: { kind: 'Pod', name: 'a' } };
  compiler.update(
    [mapping('quote'), service(), slice('s', [at('10.0.0.1', {}, target)]), pod('a', { version: 'v1' })].map(
      input,
    ),
  );
  const { endpointsPatch, patch, issues } = compiler.update([input(pod('a', { version: 'v2' }))]);
  expect(endpointsPatch.set.map(({ endpoints }) => endpoints[0]!.version)).toEqual(['v2']);
  expect([patch.setRoutes.length, issues.length]).toEqual([0, 0]);
  expect(compiler.update([input(pod('b', { version: 'v3' }))]).endpointsPatch.set).toEqual([]);
});

test('a number that is no port is none: a connection to it would end the worker', () => {
  for (const port of [80.5, 0, -1, 65_536]) {
    const odd = slice('odd', [at('10.0.0.1')], { ports: [{ name: 'http', port }] });
    expect(find('quote.default:80', [mapping('quote'), service(), odd]).list).toEqual([]);
  }
});
