import { expect, test } from 'vitest';
import type { CanaryOverlay } from '../../resources/serin/canary.ts';
import { Compiler, type CompilerOptions } from '../compiler.ts';
import { testOptions } from '../test-support.ts';

const inCluster: CompilerOptions = { ...testOptions, inCluster: true };
const meta = (name: string, more: object = {}): object => ({ name, namespace: 'default', ...more });
const mapping = (name: string, spec: object): object => ({
  apiVersion: 'getambassador.io/v3alpha1',
  kind: 'Mapping',
  metadata: meta(name),
  spec: { hostname: '*', prefix: '/', ...spec },
});
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta('quote'),
  spec: { ports: [{ name: 'http', port: 80 }], selector: { app: 'quote' } },
};
const canary = (spec: object, more: object = {}): object => ({
  apiVersion: 'serin.dev/v1alpha1',
  kind: 'Canary',
  metadata: meta('quote', { generation: 3 }),
  spec: { service: 'quote:80', stable: 'v1', canary: 'v2', weight: 20, ...spec },
  ...more,
});
/** Pods by name: version, and whether they are ready. */
function pods(all: Readonly<Record<string, readonly [string, boolean]>>): object[] {
  const entries = Object.entries(all);
  const endpoints = entries.map(([name, [, ready]], i) => ({
    addresses: [`10.0.0.${i + 1}`],
    conditions: { ready },
    targetRef: { kind: 'Pod', name },
  }));
  return [
    ...entries.map(([name, [version]]) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: meta(name, { labels: { version } }),
    })),
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: meta('s', { labels: { 'kubernetes.io/service-name': 'quote' } }),
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 9001 }],
      endpoints,
    },
  ];
}
const input = (object: object) => {
  const { kind, metadata } = object as { kind: string; metadata: { name: string } };
  return { path: `${kind} ${metadata.name}.default`, object: object as Record<string, unknown> };
};
const all = { a: ['v1', true], b: ['v1', true], c: ['v2', true] } as const;

function compile(objects: readonly object[], options = inCluster): Compiler {
  const compiler = new Compiler(options);
  compiler.update(objects.map(input));
  return compiler;
}
function splitOf(compiler: Compiler, changes: Parameters<Compiler['update']>[0] = []) {
  const { snapshot, services } = compiler.update(changes);
  const [route] = snapshot.routes.values();
  const split = route?.action.kind === 'split' ? route.action.split : null;
  const members = split?.members.map((member) => {
    if (member.kind !== 'backend') return `${member.kind} ${member.share / split.denominator}`;
    const { subset } = member.backend;
    return `${member.role} ${subset?.value ?? 'all'} ${member.share / split.denominator}`;
  });
  const endpoints = [...services].map(
    ([key, { endpoints: list }]) =>
      `${key}: ${list.map(({ address, version }) => `${address} ${version}`).join(', ')}`,
  );
  return { members, endpoints, sticky: split?.sticky };
}
const conditions = (compiler: Compiler): string[] =>
  compiler.canaries()[0]!.conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

test('a Service is divided by the labels of its pods, whatever their number', () => {
  const compiler = compile([
    mapping('m', { service: 'quote' }),
    service,
    canary({ weight: 5 }),
    ...pods(all),
  ]);
  expect(splitOf(compiler)).toEqual({
    members: ['canary v2 0.05', 'stable v1 0.95'],
    endpoints: [
      'quote.default:80 version=v2: 10.0.0.3 v2',
      'quote.default:80 version=v1 else!=v2: 10.0.0.1 v1, 10.0.0.2 v1',
    ],
    sticky: null,
  });
  expect(conditions(compiler)).toEqual(['Accepted=True Accepted', 'Ready=True Ready']);
});

test('fractions of a percent are exact', () => {
  const compiler = compile([
    mapping('m', { service: 'quote' }),
    service,
    canary({ weight: 0.1234 }),
    ...pods(all),
  ]);
  expect(splitOf(compiler).members).toEqual(['canary v2 0.001234', 'stable v1 0.998766']);
});

test('a Canary comes, changes and goes; a pod that changes its label changes sides', () => {
  const compiler = compile([mapping('m', { service: 'quote' }), service, ...pods(all)]);
  expect(splitOf(compiler).members).toEqual(['stable all 1']);
  expect(splitOf(compiler, [input(canary({}))]).members).toEqual(['canary v2 0.2', 'stable v1 0.8']);
  const moved = { apiVersion: 'v1', kind: 'Pod', metadata: meta('b', { labels: { version: 'v2' } }) };
  expect(splitOf(compiler, [input(moved)]).endpoints).toEqual([
    'quote.default:80 version=v2: 10.0.0.2 v2, 10.0.0.3 v2',
    'quote.default:80 version=v1 else!=v2: 10.0.0.1 v1',
  ]);
  expect(splitOf(compiler, [{ path: 'Canary quote.default', object: null }]).members).toEqual([
    'stable all 1',
  ]);
});

test('inside a group with weights only the Service’s own part is divided', () => {
  const compiler = compile([
    mapping('m', { service: 'quote' }),
    mapping('n', { service: 'other', weight: 50 }),
    service,
    canary({}),
    ...pods(all),
  ]);
  expect(splitOf(compiler).members).toEqual(['canary all 0.5', 'canary v2 0.1', 'stable v1 0.4']);
});

test('a mistake in the version of production leaves it to all pods but the canary’s', () => {
  const compiler = compile([
    mapping('m', { service: 'quote' }),
    service,
    canary({ stable: 'v1x' }),
    ...pods(all),
  ]);
  expect(splitOf(compiler).endpoints[1]).toBe(
    'quote.default:80 version=v1x else!=v2: 10.0.0.1 v1, 10.0.0.2 v1',
  );
  expect(conditions(compiler)[1]).toBe('Ready=False NoStablePods');
});

test.each([
  [{ ...all, c: ['v3', true] }, 'Ready=False NoCanaryPods'],
  [{ ...all, c: ['v2', false] }, 'Ready=False CanaryNotReady'],
  [{ a: ['v1', false], c: ['v2', true] }, 'Ready=False StableNotReady'],
] as const)('pods %j: %s', (some, condition) => {
  const compiler = compile([mapping('m', { service: 'quote' }), service, canary({}), ...pods(some)]);
  expect(conditions(compiler)).toEqual(['Accepted=True Accepted', condition]);
});

test('pods of neither version get no calls, and are named', () => {
  const some = { ...all, d: ['v3', true] } as const;
  const compiler = compile([mapping('m', { service: 'quote' }), service, canary({}), ...pods(some)]);
  expect(splitOf(compiler).endpoints.join()).not.toContain('10.0.0.4');
  expect(compiler.canaries()[0]!.others).toEqual(['d']);
});

test.each([
  [[canary({})], 'ServiceNotFound'],
  [[service, canary({}), ...pods(all)], 'NotRouted'],
  [[canary({ service: undefined, stable: undefined, canary: undefined, mapping: 'm' })], 'MappingNotFound'],
])('%#: %s', (objects, reason) => {
  expect(conditions(compile(objects)).at(-1)).toBe(`Ready=False ${reason}`);
});

test('of two Canaries on one Service the older wins, and the other says so', () => {
  const older = canary({}, { metadata: meta('old', { creationTimestamp: '2026-01-01T00:00:00Z' }) });
  const younger = canary(
    { weight: 50 },
    { metadata: meta('new', { creationTimestamp: '2026-02-01T00:00:00Z' }) },
  );
  const compiler = compile([mapping('m', { service: 'quote' }), service, ...pods(all), younger, older]);
  expect(splitOf(compiler).members).toEqual(['canary v2 0.2', 'stable v1 0.8']);
  expect(compiler.canaries()[0]).toMatchObject({
    name: 'new',
    conditions: [{ reason: 'Conflict', message: expect.stringContaining('old.default') }, {}],
  });
  expect(compiler.update([]).issues).toMatchObject([
    { code: 'canary-conflict', object: 'Canary new.default' },
  ]);
  splitOf(compiler, [{ path: 'Canary old.default', object: null }]);
  expect(splitOf(compiler).members).toEqual(['canary v2 0.5', 'stable v1 0.5']);
});

test('a Canary takes over the weight of a Mapping', () => {
  const compiler = compile([
    mapping('m', { service: 'quote' }),
    mapping('n', { service: 'other', weight: 50 }),
    canary({ service: undefined, stable: undefined, canary: undefined, mapping: 'n', weight: 2.5 }),
  ]);
  expect(splitOf(compiler).members).toEqual(['canary all 0.025', 'stable all 0.975']);
});

test('an overlay holds the written weight off, until there is another release', () => {
  const overlay: CanaryOverlay = { weight: 100, state: 'promoted', revision: 'version=v2', by: 'me', at: '' };
  const promoted = canary({}, { status: { overlay } });
  const compiler = compile([mapping('m', { service: 'quote' }), service, ...pods(all), promoted]);
  expect(splitOf(compiler).members).toEqual(['canary v2 1', 'stable v1 0']);
  const next = canary({ canary: 'v3', stable: 'v2' }, { status: { overlay } });
  expect(splitOf(compiler, [input(next)]).members).toEqual(['canary v3 0.2', 'stable v2 0.8']);
});

test('outside of a cluster commands set overlays of Canaries and of Mappings', () => {
  const compiler = compile(
    [mapping('m', { service: 'quote' }), mapping('n', { service: 'other', weight: 50 }), canary({}), service],
    testOptions,
  );
  const base = { state: 'set', by: 'me', at: '' } as const;
  compiler.setOverlays(
    new Map([
      ['Mapping/n.default', { ...base, weight: 10, revision: 'other.default:80' }],
      ['Canary/quote.default', { ...base, weight: 50, revision: 'version=v2' }],
    ]),
  );
  expect(splitOf(compiler).members).toEqual(['canary all 0.1', 'canary v2 0.45', 'stable v1 0.45']);
  compiler.setOverlays(new Map());
  expect(splitOf(compiler).members).toEqual(['canary all 0.5', 'canary v2 0.1', 'stable v1 0.4']);
});

test('a name that is looked up has no versions: all of it is production', () => {
  const compiler = compile([mapping('m', { service: 'quote' }), canary({})], testOptions);
  const { services } = compiler.update([]);
  expect([...services.values()].map(({ state, problem }) => [state, problem])).toEqual([
    ['known', 'the pods of quote.default are not known, and so neither are its versions'],
    ['pending', null],
  ]);
});

test.each([
  [{ weight: 101 }, /more than 100/],
  [{ weight: 0.00001 }, /four decimals/],
  [{ wieght: 3 }, /looks like "weight"/],
  [{ stable: 'v2' }, /as stable is/],
  [{ mapping: 'x' }, /both written/],
  [{ onEmpty: 'canary' }, /neither/],
  [{ sticky: { header: 'a b' } }, /no name of a header/],
  [{ sticky: {} }, /one of header and cookie/],
  [{ sticky: { header: 'x', maxAge: '1h' } }, /no length of a cookie/],
  [{ service: 'http://quote' }, /no Service/],
])('%j is an error that says so', (spec, message) => {
  const { issues } = new Compiler(testOptions).update([input(canary(spec))]);
  expect(issues.map((issue) => `${issue.severity} ${issue.message}`).join('\n')).toMatch(message);
  expect(issues.some(({ severity }) => severity === 'error')).toBe(true);
});

test('a version label that objects of JavaScript have by themselves is one that no pod has', () => {
  for (const versionLabel of ['constructor', '__proto__', 'toString']) {
    const compiler = new Compiler(inCluster);
    const { services } = compiler.update(
      [mapping('m', { service: 'quote' }), service, ...pods(all), canary({ versionLabel })].map(input),
    );
    const versions = [...services.values()].flatMap(({ endpoints }) =>
      endpoints.map(({ version }) => version),
    );
    expect(versions).toEqual(['v1', 'v1', 'v2']);
  }
});

test('with --isolate-namespaces a Canary of another namespace has no effect, and says so', () => {
  const foreign = canary(
    { service: 'quote.default:80', weight: 100 },
    { metadata: meta('x', { namespace: 'evil' }) },
  );
  const compiler = compile([mapping('m', { service: 'quote' }), service, ...pods(all)], {
    ...inCluster,
    isolateNamespaces: true,
  });
  const { members } = splitOf(compiler, [input(foreign)]);
  expect(members).toEqual(['stable all 1']);
  expect(compiler.update([]).issues).toMatchObject([{ code: 'canary-foreign', object: 'Canary x.evil' }]);
  const own = splitOf(compiler, [input(canary({}))]);
  expect(own.members).toEqual(['canary v2 0.2', 'stable v1 0.8']);
  expect(compiler.canaries().map(({ conditions }) => conditions[0]?.reason)).toEqual([
    'Accepted',
    'NamespaceForeign',
  ]);
});

test('two thousand Canaries on one Service are looked at in a moment', () => {
  const compiler = compile([mapping('m', { service: 'quote' }), service, ...pods(all)]);
  const many = Array.from({ length: 2000 }, (_, i) => canary({}, { metadata: meta(`c${i}`) }));
  compiler.update(many.map(input));
  const began = performance.now();
  expect(compiler.canaries().filter(({ conditions }) => conditions[0]?.status === 'True')).toHaveLength(1);
  // Sorting all of them for each of them took 1.2 s.
  expect(performance.now() - began).toBeLessThan(300);
});
