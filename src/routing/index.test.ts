import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HostMatch } from '../model/match.ts';
import type { PathMatch } from '../model/path.ts';
import type { Route } from '../model/route.ts';
import { RouteIndex, RouteMatchResult, type RouteRequest } from './index.ts';
import { matchesConditions, matchesHost, matchesPath } from './match-route.ts';
import { compareRoutes } from './path-index.ts';

const paths = ['/', '/a', '/a/', '/a/b', '/A/', '/ab', '/b', ''];
const hosts = ['x.test', 'X.test', 'y.x.test', 'x.test:80', 'x', 'api.org'];
const patterns = ['/a.*', '/[ab]/?', '^/a/b$', '.*', '(?i)/A', '/a|/b'];

const pathMatch: fc.Arbitrary<PathMatch> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('prefix' as const, 'exact' as const),
    value: fc.constantFrom(...paths),
    ignoreCase: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('regex' as const),
    value: fc.constantFrom(...patterns),
    ignoreCase: fc.constant(false),
  }),
);
const hostMatch: fc.Arbitrary<HostMatch> = fc.oneof(
  fc.constant({ kind: 'any' as const }),
  fc.record({ kind: fc.constant('exact' as const), value: fc.constantFrom(...hosts) }),
  fc.record({ kind: fc.constant('suffix' as const), value: fc.constantFrom('.test', 'x.test', '') }),
  fc.record({ kind: fc.constant('prefix' as const), value: fc.constantFrom('x.', 'api.', 'y') }),
  fc.record({
    kind: fc.constant('regex' as const),
    value: fc.constantFrom('x.*', '[xy].*test', 'api\\.org'),
  }),
);
const named = (name: string) =>
  fc.record({
    name: fc.constant(name),
    test: fc.oneof(
      fc.constant({ kind: 'present' as const }),
      fc.record({ kind: fc.constant('exact' as const), value: fc.constantFrom('1', '2') }),
      fc.record({ kind: fc.constant('regex' as const), value: fc.constantFrom('[12]', '.*') }),
    ),
  });
const route: fc.Arbitrary<Route> = fc
  .record({
    number: fc.integer({ min: 0, max: 30 }),
    rank: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }),
    path: pathMatch,
    host: hostMatch,
    method: fc.option(fc.constant({ kind: 'exact' as const, value: 'GET' })),
    headers: fc.array(named('h'), { maxLength: 1 }),
    query: fc.array(named('q'), { maxLength: 1 }),
    virtualHosts: fc.option(fc.constantFrom(['v'], ['w'], ['v', 'w'])),
  })
  .map(({ number, rank, path, host, method, headers, query, virtualHosts }) => ({
    id: `r${number}`,
    name: `r${number}`,
    rank,
    match: { path, host, method, headers, query },
    virtualHosts,
    action: { kind: 'respond', response: { status: 200, grpcStatus: 0, message: '', reason: '' } },
    blocked: null,
  }));
const request: fc.Arbitrary<RouteRequest> = fc
  .record({
    host: fc.constantFrom(...hosts),
    path: fc.constantFrom('/', '/a', '/a/', '/a/b', '/A/b', '/b', '/abc'),
    query: fc.constantFrom('', 'q=1', 'q', 'x=1&q=2&q=1', 'qq=1'),
    method: fc.constantFrom('GET', 'POST'),
    h: fc.option(fc.constantFrom('1', '2', '3')),
  })
  .map(({ h, ...rest }) => ({
    ...rest,
    header: (name: string) => (name === 'h' ? (h ?? undefined) : undefined),
  }));

/** What the index has to give: all routes sorted, one after another. */
function scan(routes: Iterable<Route>, asked: RouteRequest, virtualHost: string): Route[] {
  return [...routes]
    .sort(compareRoutes)
    .filter((candidate) => candidate.virtualHosts === null || candidate.virtualHosts.includes(virtualHost))
    .filter((candidate) => matchesHost(candidate.match.host, asked.host.toLowerCase(), asked.host))
    .filter((candidate) => matchesPath(candidate.match.path, asked.path))
    .filter((candidate) => matchesConditions(candidate, asked));
}

test('the index finds what a scan over all sorted routes finds, from the first match to the last', () => {
  const steps = fc.array(fc.tuple(route, fc.boolean()), { maxLength: 40 });
  fc.assert(
    fc.property(steps, fc.array(request, { minLength: 1, maxLength: 5 }), (changes, requests) => {
      const index = new RouteIndex();
      index.setVirtualHosts([
        { name: 'v', hostname: '*', insecureAction: 'route' },
        { name: 'w', hostname: '*.test', insecureAction: 'route' },
      ]);
      const model = new Map<string, Route>();
      for (const [changed, add] of changes) {
        if (add) model.set(changed.id, changed);
        else model.delete(changed.id);
        if (add) index.set(changed);
        else index.delete(changed.id);
      }
      expect(index.size).toBe(model.size);
      const out = new RouteMatchResult();
      for (const asked of requests) {
        const found: Route[] = [];
        index.match(asked, null, null, out);
        expect(out.virtualHost?.name).toBe(asked.host.toLowerCase().endsWith('.test') ? 'w' : 'v');
        while (out.route !== null) {
          found.push(out.route);
          index.match(asked, null, out.route, out);
        }
        const name = asked.host.toLowerCase().endsWith('.test') ? 'w' : 'v';
        expect(found.map(({ id }) => id)).toEqual(scan(model.values(), asked, name).map(({ id }) => id));
      }
    }),
    { numRuns: 300 },
  );
});

const simple = (id: string, path: string, more: Partial<Route['match']> = {}): Route => ({
  id,
  name: id,
  rank: [0, path.length],
  match: {
    path: { kind: 'prefix', value: path, ignoreCase: false },
    host: { kind: 'any' },
    method: null,
    headers: [],
    query: [],
    ...more,
  },
  virtualHosts: null,
  action: { kind: 'respond', response: { status: 200, grpcStatus: 0, message: '', reason: '' } },
  blocked: null,
});
const plain: RouteRequest = {
  host: 'x.test:8080',
  path: '/a/b',
  query: '',
  method: 'GET',
  header: () => undefined,
};

function makeIndex(...routes: Route[]): RouteIndex {
  const index = new RouteIndex();
  index.setVirtualHosts([{ name: '*', hostname: '*', insecureAction: 'route' }]);
  for (const item of routes) index.set(item);
  return index;
}

test('an answer varies when a route with a header condition was passed over', () => {
  const out = new RouteMatchResult();
  const withHeader = simple('b', '/a/b', { headers: [{ name: 'h', test: { kind: 'present' } }] });
  const index = makeIndex(simple('a', '/a'), withHeader);
  index.match(plain, null, null, out);
  expect([out.route?.id, out.varies]).toEqual(['a', true]);
  expect([...index.headerNames()]).toEqual(['h']);
  index.delete('b');
  index.match(plain, null, null, out);
  expect([out.route?.id, out.varies]).toEqual(['a', false]);
  expect(index.headerNames().size).toBe(0);
});

test('a host whose port is in the way is told', () => {
  const index = makeIndex(simple('a', '/', { host: { kind: 'exact', value: 'x.test' } }));
  const out = new RouteMatchResult();
  index.match(plain, null, null, out);
  expect(out.route).toBeNull();
  expect(index.matchesWithoutPort(plain, null)).toBe(true);
  expect(index.matchesWithoutPort({ ...plain, host: 'y.test:1' }, null)).toBe(false);
});

test('10,000 routes: a match takes microseconds', () => {
  const index = makeIndex(
    ...Array.from({ length: 10_000 }, (_, i) => simple(`r${i}`, `/svc${i}.v1.Api/`)),
    simple('all', '/'),
  );
  const out = new RouteMatchResult();
  const from = performance.now();
  for (let i = 0; i < 20_000; i++)
    index.match({ ...plain, path: `/svc${i % 10_000}.v1.Api/Get` }, null, null, out);
  const microseconds = ((performance.now() - from) * 1000) / 20_000;
  console.log(`a match among 10,000 routes: ${microseconds.toFixed(2)} µs`);
  expect(out.route?.id).toBe('r9999');
  expect(microseconds).toBeLessThan(50);
});

test('10,000 routes that differ only in a header, or in a host glob, are put in fast', () => {
  const from = performance.now();
  const headers = makeIndex(
    ...Array.from({ length: 10_000 }, (_, i) =>
      simple(`r${i}`, '/', { headers: [{ name: 'x-tenant', test: { kind: 'exact', value: `${i}` } }] }),
    ),
  );
  const globs = makeIndex(
    ...Array.from({ length: 10_000 }, (_, i) =>
      simple(`g${i}`, '/', { host: { kind: 'suffix', value: `.t${i}.test` } }),
    ),
  );
  expect(performance.now() - from).toBeLessThan(1500);
  const out = new RouteMatchResult();
  headers.match({ ...plain, header: () => '77' }, null, null, out);
  expect(out.route?.id).toBe('r77');
  globs.match({ ...plain, host: 'a.t99.test' }, null, null, out);
  expect(out.route?.id).toBe('g99');
});
