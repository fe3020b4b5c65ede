import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endpointsKey } from '../model/endpoints.ts';
import { type Compilation, Compiler, type FileInput } from './compiler.ts';
import { type InvalidationRule, invalidationRules } from './invalidation.ts';
import { testOptions } from './test-support.ts';

/** One object of a file. Everything that can make a group, a leader, a name or a Host another is in it. */
const mapping = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    namespace: fc.constantFrom('default', 'other'),
    version: fc.constantFrom('getambassador.io/v2', 'getambassador.io/v3alpha1', 'getambassador.io/v0'),
    prefix: fc.constantFrom('/x/', '/y/', '/'),
    hostname: fc.constantFrom('*', 'a.test', '*.test', undefined),
    label: fc.constantFrom('1', '2'),
    weight: fc.constantFrom(undefined, undefined, 0, 10, 30),
    precedence: fc.constantFrom(undefined, 1),
    id: fc.constantFrom(undefined, undefined, 'elsewhere'),
    header: fc.constantFrom(undefined, '1'),
    extra: fc.constantFrom(
      {},
      {},
      { shadow: true },
      { host_redirect: true },
      { bypass_auth: true },
      { case_sensitive: false },
      { keepalive: { probes: 1 } },
    ),
  })
  .map(({ name, namespace, version, hostname, label, id, header, extra, ...fields }) => ({
    apiVersion: version,
    kind: 'Mapping',
    metadata: { name, namespace, labels: { tier: label } },
    spec: {
      ...fields,
      ...extra,
      ...(version.endsWith('3alpha1') ? { hostname } : { host: hostname }),
      headers: header === undefined ? undefined : { 'x-h': header },
      ambassador_id: id === undefined ? undefined : [id],
      service: `${name}-${fields.weight ?? 'all'}`,
    },
  }));
const tcpMapping = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c'),
    namespace: fc.constantFrom('default', 'other'),
    version: fc.constantFrom('getambassador.io/v1', 'getambassador.io/v2', 'getambassador.io/v3alpha1'),
    port: fc.constantFrom(5432, 8443),
    host: fc.constantFrom(undefined, undefined, '*', 'a.test', '*.test'),
    address: fc.constantFrom(undefined, undefined, '127.0.0.1'),
    weight: fc.constantFrom(undefined, undefined, 0, 10, 30),
    idle_timeout_ms: fc.constantFrom(undefined, '1000', '2000'),
    tls: fc.constantFrom(undefined, undefined, 'context'),
  })
  .map(({ name, namespace, version, ...fields }) => ({
    apiVersion: version,
    kind: 'TCPMapping',
    metadata: { name, namespace },
    spec: { ...fields, service: `${name}-${fields.weight ?? 'all'}` },
  }));
const listener = fc
  .record({
    port: fc.constantFrom(5432, 8443),
    protocol: fc.constantFrom('TCP', 'TLS', 'HTTPS', 'HTTPSPROXY'),
  })
  .map((spec) => ({
    apiVersion: 'getambassador.io/v3alpha1',
    kind: 'Listener',
    metadata: { name: 'l' },
    spec: { ...spec, securityModel: 'XFP', hostBinding: { namespace: { from: 'ALL' } } },
  }));
const host = fc
  .record({
    name: fc.constantFrom('h', 'i'),
    hostname: fc.constantFrom('*', 'a.test'),
    tier: fc.constantFrom(undefined, '1'),
  })
  .map(({ name, hostname, tier }) => ({
    apiVersion: 'getambassador.io/v3alpha1',
    kind: 'Host',
    metadata: { name },
    spec: { hostname, mappingSelector: tier === undefined ? undefined : { matchLabels: { tier } } },
  }));
const other = fc.constantFrom(
  {
    apiVersion: 'getambassador.io/v3alpha1',
    kind: 'AuthService',
    metadata: { name: 'auth' },
    spec: { auth_service: 'x' },
  },
  {
    apiVersion: 'getambassador.io/v3alpha1',
    kind: 'Module',
    metadata: { name: 'ambassador' },
    spec: { config: { cluster_request_timeout_ms: 7 } },
  },
  {
    apiVersion: 'getambassador.io/v2',
    kind: 'TLSContext',
    metadata: { name: 'context' },
    spec: { hosts: ['a.test'], cert_chain_file: '/c', private_key_file: '/k' },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a-all' },
    spec: { ports: [{ port: 80, name: 'p' }], selector: { version: 'v9' } },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 's', labels: { 'kubernetes.io/service-name': 'a-all' } },
    ports: [{ name: 'p', port: 9 }],
    endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: 'pod' } }],
  },
  { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', labels: { version: 'v7' } } },
);
const canary = fc
  .record({
    name: fc.constantFrom('c', 'd'),
    target: fc.constantFrom<Record<string, string>>(
      { service: 'a-all', stable: 'v1', canary: 'v7' },
      { service: 'a-all:80', stable: 'v1', canary: 'v7' },
      { mapping: 'a' },
      { mapping: 'b' },
    ),
    weight: fc.constantFrom(0, 5, 12.5),
    sticky: fc.constantFrom(undefined, { header: 'x-user' }),
  })
  .map(({ name, target, ...spec }) => ({
    apiVersion: 'serin.dev/v1alpha1',
    kind: 'Canary',
    metadata: { name },
    spec: { ...target, ...spec },
  }));
const object = fc.oneof(
  { weight: 8, arbitrary: mapping },
  { weight: 1, arbitrary: host },
  { weight: 1, arbitrary: other },
  { weight: 3, arbitrary: tcpMapping },
  { weight: 1, arbitrary: listener },
  { weight: 2, arbitrary: canary },
);
const edit = fc.record({
  path: fc.constantFrom('a.json', 'b.yaml', 'c.yaml'),
  objects: fc.option(fc.array(object, { maxLength: 4 }), { freq: 6 }),
});

/** A set of objects as a file: documents, and everything about one Mapping in an annotation is tested elsewhere. */
function write(objects: readonly unknown[] | null): string | null {
  return objects === null ? null : objects.map((item) => `---\n${JSON.stringify(item)}\n`).join('');
}

/** All of a compilation that has to be equal. A group's order in the map has no meaning. */
function essence({ snapshot, services, issues, counts }: Compilation): unknown {
  const routes = [...snapshot.routes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const endpoints = [...services.values()]
    .map(({ everReady: _, ...rest }) => rest)
    .sort((a, b) => (endpointsKey(a) < endpointsKey(b) ? -1 : 1));
  return JSON.parse(
    JSON.stringify({
      routes,
      endpoints,
      hosts: snapshot.virtualHosts,
      listeners: snapshot.listeners,
      tcpRoutes: snapshot.tcpRoutes,
      tlsContexts: snapshot.tlsContexts,
      issues,
      counts,
    }),
  );
}

/** Applies a compilation's patches to what a reader has. */
function follow(routes: Map<string, unknown>, { patch }: Compilation): void {
  if (patch.tcpRoutes !== null) {
    for (const id of routes.keys()) if (id.startsWith('tcp ')) routes.delete(id);
    for (const route of patch.tcpRoutes) routes.set(route.id, route);
  }
  for (const id of patch.deleteRoutes) routes.delete(id);
  for (const route of patch.setRoutes) routes.set(route.id, route);
}

function property(rules: readonly InvalidationRule[]) {
  return fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
    const compiler = new Compiler(testOptions, rules);
    const files = new Map<string, FileInput>();
    const routes = new Map<string, unknown>();
    for (const { path, objects } of edits) {
      const input = { path, text: write(objects) };
      files.set(path, input);
      const compilation = compiler.update([input]);
      follow(routes, compilation);
      expect(essence(compilation)).toEqual(essence(new Compiler(testOptions).update([...files.values()])));
      const { routes: all, tcpRoutes } = compilation.snapshot;
      const expected = new Map<string, unknown>(all);
      for (const route of tcpRoutes) expected.set(route.id, route);
      expect(routes).toEqual(expected);
    }
  });
}

test('after any sequence of valid edits the result equals a compile from scratch', () => {
  fc.assert(property(invalidationRules), { numRuns: 200 });
});

test.each(invalidationRules.map(({ name }) => name))(
  'without the invalidation rule "%s" that does not hold',
  (name) => {
    const rules = invalidationRules.filter((rule) => rule.name !== name);
    const { failed } = fc.check(property(rules), { numRuns: 1000, seed: 7 });
    expect(failed).toBe(true);
  },
);

test('breaking documents and mending them ends where a compile from scratch does', () => {
  const broken = fc.constantFrom(
    (text: string) => `${text}\n---\nkind: [`,
    (text: string) => text.replace('"weight":', '"wieght":'),
  );
  const step = fc.tuple(edit, fc.option(broken));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
      const compiler = new Compiler(testOptions);
      const files = new Map<string, FileInput>();
      for (const [{ path, objects }, damage] of steps) {
        const text = write(objects);
        compiler.update([{ path, text: text === null || damage === null ? text : damage(text) }]);
        files.set(path, { path, text });
      }
      const mended = compiler.update([...files.values()]);
      expect(essence(mended)).toEqual(essence(new Compiler(testOptions).update([...files.values()])));
    }),
    { numRuns: 100 },
  );
});
