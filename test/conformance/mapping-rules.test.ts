import { describe, expect, test } from 'vitest';
import type { CompilerOptions } from '../../src/compiler/compiler.ts';
import { askAll, type CaseAnswer, compileFiles } from './support.ts';

/** Mappings as flow maps, one a document: `version name {fields}`. */
function manifest(...mappings: readonly string[]): string {
  return mappings
    .map((line) => {
      const [version, name, ...fields] = line.split(' ');
      const group = version === 'v3alpha1' ? 'getambassador.io/v3alpha1' : `getambassador.io/${version}`;
      return `---\napiVersion: ${group}\nkind: Mapping\nmetadata: {name: ${name}, namespace: ns}\nspec: ${fields.join(' ')}\n`;
    })
    .join('');
}

/** Answers to requests written `METHOD host path name=value…`. */
function ask(
  text: string,
  requests: readonly string[],
  options: Partial<CompilerOptions> = {},
  scheme: 'http' | 'https' = 'https',
): CaseAnswer[] {
  const asked = requests.map((line) => {
    const [method, host, path, ...headers] = line.split(' ');
    const pairs = headers.map((header) => header.split('=') as [string, string]);
    return { method: method!, host: host!, path: path!, headers: Object.fromEntries(pairs) };
  });
  return askAll(compileFiles({ 'a.yaml': text }, options), asked, scheme);
}
const routes = (text: string, requests: readonly string[]): (string | null)[] =>
  ask(text, requests).map(({ route }) => route?.split('.')[0] ?? null);
const codes = (text: string, options: Partial<CompilerOptions> = {}): string[] =>
  compileFiles({ 'a.yaml': text }, options).issues.map(
    ({ severity, code, line }) => `${line} ${severity} ${code}`,
  );

describe('reference 2.5: which route matches', () => {
  test('a prefix is raw text, an exact path is whole, an expression matches the whole path', () => {
    const text = manifest(
      'v2 foo {prefix: /foo, service: a}',
      'v2 bar {prefix: /bar/, service: a}',
      'v2 exact {prefix: /exact, prefix_exact: true, service: a}',
      'v2 regex {prefix: "/r/[0-9]+", prefix_regex: true, service: a}',
      'v2 case {prefix: /Case/, case_sensitive: false, service: a}',
    );
    const requests = [
      'GET h /foobar',
      'GET h /bar',
      'GET h /exact?q',
      'GET h /exact/',
      'GET h /r/12',
      'GET h /r/12/x',
      'GET h /cASE/x',
    ];
    expect(routes(text, requests)).toEqual(['foo', null, 'exact', null, 'regex', null, 'case']);
  });

  test('precedence beats length, length beats the host, then headers, and "*" counts less than a name', () => {
    const text = manifest(
      'v3alpha1 short {prefix: /a/, hostname: "*", service: a, precedence: 1, headers: {x: "1"}}',
      'v3alpha1 long {prefix: /a/b/, hostname: "*", service: a}',
      'v3alpha1 named {prefix: /a/, hostname: a.test, service: a}',
      'v3alpha1 star {prefix: /a/, hostname: "*", service: a}',
      'v3alpha1 header {prefix: /a/, hostname: "*", service: a, headers: {y: "123456789"}}',
    );
    const requests = [
      'GET a.test /a/b/ x=1',
      'GET a.test /a/b/',
      'GET a.test /a/c',
      'GET b.test /a/c',
      'GET a.test /a/c y=123456789',
    ];
    expect(routes(text, requests)).toEqual(['short', 'long', 'named', 'star', 'header']);
  });

  test('hosts: globs at one end, letter case aside, the port counts', () => {
    const text = manifest(
      'v2 suffix {prefix: /, host: "*.x.test", service: a}',
      'v3alpha1 prefix {prefix: /, hostname: "api.*", service: a}',
      'v2 port {prefix: /, host: "p.test:8080", service: a}',
      'v2 regex {prefix: /, host: "r[0-9]\\\\.test", host_regex: true, service: a}',
      'v2 authority {prefix: /, headers: {":authority": q.test}, service: a}',
    );
    const requests = [
      'GET a.b.X.test /',
      'GET x.test /',
      'GET api.org /',
      'GET p.test /',
      'GET p.test:8080 /',
      'GET r1.test /',
      'GET q.test /',
    ];
    expect(routes(text, requests)).toEqual(['suffix', null, 'prefix', null, 'port', 'regex', 'authority']);
  });

  test('methods, headers and query parameters: exact, present, expressions', () => {
    const text = manifest(
      'v2 method {prefix: /m/, method: "GET|PUT", method_regex: true, service: a}',
      'v2 present {prefix: /h/, headers: {X-A: true}, service: a}',
      'v2 regex {prefix: /h/, regex_headers: {x-b: "[0-9]+"}, service: a}',
      'v2 query {prefix: /q/, query_parameters: {v: "1"}, regex_query_parameters: {w: "a.*"}, service: a}',
    );
    const requests = [
      'PUT h /m/',
      'POST h /m/',
      'GET h /h/ x-a=',
      'GET h /h/ x-b=12',
      'GET h /h/ x-b=12a',
      'GET h /q/?v=1&w=ab',
      'GET h /q/?v=2&v=1&w=ab',
    ];
    expect(routes(text, requests)).toEqual(['method', null, 'present', 'regex', null, 'query', null]);
  });

  test('dot segments are resolved before the route is chosen and sent resolved; %2F stays', () => {
    const text = manifest('v2 y {prefix: /y/, rewrite: "", service: a}');
    expect(ask(text, ['GET h /x/../y/a%2Fb', 'GET h /y/%2e%2e/z']).map(({ rewrite }) => rewrite)).toEqual([
      '/y/a%2Fb',
      null,
    ]);
  });
});

describe('2.6: rewrite', () => {
  test('default, exact, expression, and regex_rewrite beats rewrite', () => {
    const text = manifest(
      'v2 foo {prefix: /foo, service: a}',
      'v2 exact {prefix: /exact, prefix_exact: true, rewrite: /to, service: a}',
      'v2 regex {prefix: "/r/.*", prefix_regex: true, service: a}',
      'v2 regexp {prefix: /v/, rewrite: /no/, regex_rewrite: {pattern: "/v/([a-z]+)", substitution: "/\\\\1"}, service: a}',
    );
    const rewrites = ask(text, [
      'GET h /foo/bar?q=/foo',
      'GET h /exact?q',
      'GET h /r/12',
      'GET h /v/ab/v/cd',
    ]).map(({ rewrite }) => rewrite);
    expect(rewrites).toEqual(['//bar?q=/foo', '/to?q', '/', '/ab/cd']);
  });
});

describe('2.14: redirects', () => {
  test('host, path, prefix and expression; the query is kept but for path_redirect', () => {
    const text = manifest(
      'v2 host {prefix: /h/, service: new.test, host_redirect: true}',
      'v2 path {prefix: /p/, service: new.test, host_redirect: true, path_redirect: /q, redirect_response_code: 308}',
      'v2 prefix {prefix: /x/, service: "https://new.test:8443", host_redirect: true, prefix_redirect: /y/}',
      'v2 regex {prefix: /r/, service: new.test, host_redirect: true, regex_redirect: {pattern: "/r/(.*)", substitution: "/s/\\\\1"}}',
    );
    const locations = ask(
      text,
      ['GET h /h/1?q=1', 'GET h /p/1?q=1', 'GET h /x/1?q=1', 'GET h /r/1'],
      {},
      'http',
    ).map(({ redirect }) => redirect);
    expect(locations).toEqual([
      { status: 301, location: 'http://new.test/h/1?q=1' },
      { status: 308, location: 'http://new.test/q' },
      { status: 301, location: 'https://new.test:8443/y/1?q=1' },
      { status: 301, location: 'http://new.test/s/1' },
    ]);
  });

  test('a redirect beside a Mapping is an error, and the Mapping keeps all', () => {
    const text = manifest(
      'v2 a {prefix: /a/, service: a}',
      'v2 b {prefix: /a/, service: b, host_redirect: true}',
    );
    expect(codes(text)).toEqual(['7 error redirect-conflict']);
    expect(ask(text, ['GET h /a/'])[0]?.shares).toEqual({ 'a.ns:80': 100 });
  });
});

describe('2.3 and DESIGN: shares', () => {
  const group = (version: string, ...weights: (number | null)[]): string =>
    manifest(
      ...weights.map(
        (w, i) =>
          `${version} m${i} {prefix: /a/, host: "*", service: s${i}${w === null ? '' : `, weight: ${w}`}}`,
      ),
    );
  const shares = (text: string): number[] => {
    const [answer] = ask(text, ['GET h /a/']);
    const of = (key: string): number => Number((answer!.shares[key] ?? 0).toFixed(3));
    return [...Array.from({ length: text.split('---').length - 1 }, (_, i) => of(`s${i}.ns:80`)), of('404')];
  };

  test.each([
    [
      [null, 10],
      [90, 10, 0],
    ],
    [[10], [100, 0]],
    [[0], [100, 0]],
    [
      [null, 0],
      [100, 0, 0],
    ],
    [
      [null, 100],
      [0, 100, 0],
    ],
    [
      [null, null, null],
      [33.333, 33.333, 33.333, 0],
    ],
    [
      [33, 33, null, null],
      [33, 33, 17, 17, 0],
    ],
    [
      [99, null, null, null],
      [99, 0.333, 0.333, 0.333, 0],
    ],
    [
      [10, 20],
      [10, 20, 70],
    ],
    [
      [0, 0],
      [0, 0, 100],
    ],
    [
      [60, 60],
      [50, 50, 0],
    ],
    [
      [60, 60, null],
      [50, 50, 0, 0],
    ],
    [
      [null, 0.07],
      [99.93, 0.07, 0],
    ],
  ])('v2 weights %j', (weights, expected) => {
    expect(shares(group('v2', ...(weights as (number | null)[])))).toEqual(expected);
  });

  test.each([
    [
      [10, 30],
      [25, 75, 0],
    ],
    [
      [60, 60],
      [50, 50, 0],
    ],
    [
      [0, 0],
      [0, 0, 100],
    ],
  ])('v0 weights %j are rescaled', (weights, expected) => {
    const text = group('v0', ...weights);
    expect(shares(text)).toEqual(expected);
    expect(codes(text).filter((code) => code.includes('error'))).toEqual([]);
  });

  test('what falls through is drawn again at the next route, and at the one after it', () => {
    const text =
      manifest(
        'v2 a1 {prefix: /a/b/, service: s1, weight: 50}',
        'v2 a2 {prefix: /a/b/, service: s2, weight: 0}',
      ) +
      manifest(
        'v2 b1 {prefix: /a/, service: s3, weight: 20}',
        'v2 b2 {prefix: /a/, service: s4, weight: 20}',
      ) +
      manifest('v2 c {prefix: /, service: s5}');
    expect(ask(text, ['GET h /a/b/'])[0]?.shares).toEqual({
      's1.ns:80': 50,
      's3.ns:80': 10,
      's4.ns:80': 10,
      's5.ns:80': 30,
    });
  });

  test('a member that differs in a core field gets nothing; one that lacks it is taken', () => {
    const breakers = 'circuit_breakers: [{max_requests: 5}]';
    const text = (a: string, b: string): string =>
      manifest(`v2 a {prefix: /a/, service: s0${a}}`, `v2 b {prefix: /a/, service: s1, weight: 10${b}}`);
    expect(shares(text('', ', bypass_auth: true'))).toEqual([100, 0, 0]);
    expect(shares(text(', bypass_auth: true', ''))).toEqual([90, 10, 0]);
    expect(shares(text(`, ${breakers}`, ''))).toEqual([100, 0, 0]);
    expect(shares(text(`, ${breakers}`, `, ${breakers}`))).toEqual([90, 10, 0]);
  });
});

describe('Hosts, Listeners and guards', () => {
  const host = (name: string, spec: string): string =>
    `---\napiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

  test('a Mapping belongs where hostnames overlap and labels match', () => {
    const text =
      host('a', '{hostname: a.test, requestPolicy: {insecure: {action: Route}}}') +
      host('b', '{hostname: "*.test", mappingSelector: {matchLabels: {app: x}}}') +
      manifest(
        'v3alpha1 star {prefix: /, hostname: "*", service: a}',
        'v3alpha1 none {prefix: /n/, service: a}',
      ) +
      '---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: labelled, labels: {app: x}}\nspec: {prefix: /l/, service: a}\n';
    expect(
      routes(text, ['GET a.test /', 'GET b.test /', 'GET b.test /l/', 'GET a.test /l/', 'GET c.org /']),
    ).toEqual(['star', null, 'labelled', 'star', null]);
    expect(codes(text)).toContain('17 error hostname-missing');
  });

  test('insecure requests: Redirect is the default, Reject finds no route', () => {
    const text =
      host('a', '{hostname: a.test}') +
      host('r', '{hostname: r.test, requestPolicy: {insecure: {action: Reject}}}') +
      manifest('v2 m {prefix: /, service: a}');
    const answers = ask(text, ['GET a.test /x?y', 'GET r.test /x'], {}, 'http');
    expect(answers[0]?.redirect).toEqual({ status: 301, location: 'https://a.test/x?y' });
    expect(answers[1]?.route).toBeNull();
    expect(ask(text, ['GET a.test /x'])[0]?.route).toBe('m.ns');
  });

  test('Listeners: HTTP and HTTPS are opened, with and without PROXY; --listen replaces them', () => {
    const listener = (name: string, spec: string): string =>
      `---\napiVersion: getambassador.io/v3alpha1\nkind: Listener\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
    const text =
      listener(
        'a',
        '{port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}',
      ) +
      listener(
        'b',
        '{port: 8443, protocol: HTTPS, securityModel: SECURE, hostBinding: {namespace: {from: ALL}}}',
      ) +
      listener(
        'c',
        '{port: 8444, protocol: HTTPSPROXY, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}',
      );
    expect(compileFiles({ a: text }).snapshot.listeners).toMatchObject([
      { port: 8080, address: null, virtualHosts: null, protocol: 'http', securityModel: 'xfp' },
      { port: 8443, address: null, virtualHosts: null, protocol: 'https', securityModel: 'secure' },
      { port: 8444, protocol: 'https', proxyProtocol: true },
    ]);
    expect(codes(text)).toEqual([]);
    const listen = [{ address: '127.0.0.1', port: 1 }];
    expect(compileFiles({ a: text }, { listen }).snapshot.listeners).toMatchObject([
      { port: 1, address: '127.0.0.1' },
    ]);
  });

  test('an AuthService closes all but bypass_auth, a FilterPolicy its hosts and paths', () => {
    const text = manifest(
      'v2 open {prefix: /o/, bypass_auth: true, service: a}',
      'v2 shut {prefix: /s/, service: a}',
    );
    const blocked = (more: string, options: Partial<CompilerOptions> = {}): string[] =>
      [...compileFiles({ a: text + more }, options).snapshot.routes.values()]
        .filter((route) => route.blocked)
        .map(({ name }) => name);
    const auth =
      '---\napiVersion: getambassador.io/v2\nkind: AuthService\nmetadata: {name: a}\nspec: {auth_service: x}\n';
    expect(blocked(auth)).toEqual(['shut.ns']);
    expect(blocked(auth, { unguarded: true })).toEqual([]);
    expect(blocked(auth.replace('spec: {', 'spec: {ambassador_id: [other], '))).toEqual([]);
    const policy = (path: string): string =>
      `---\napiVersion: getambassador.io/v2\nkind: FilterPolicy\nmetadata: {name: p}\nspec: {rules: [{host: "*", path: "${path}", filters: [{name: f}]}]}\n`;
    expect(blocked(policy('/s/*'))).toEqual(['shut.ns']);
    expect(blocked(policy('/other/*'))).toEqual([]);
  });

  test('--isolate-namespaces: the older owner keeps the prefix', () => {
    const mapping = (namespace: string, created: string): string =>
      `---\napiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: m, namespace: ${namespace}, creationTimestamp: "${created}"}\nspec: {prefix: /, service: s}\n`;
    const text = mapping('a', '2026-02-01T00:00:00Z') + mapping('b', '2026-01-01T00:00:00Z');
    expect(codes(text)).toEqual(['7 warning namespaces-mixed']);
    expect(codes(text, { isolateNamespaces: true })).toEqual(['2 error namespace-foreign']);
    expect(ask(text, ['GET h /'], { isolateNamespaces: true })[0]?.shares).toEqual({ 's.b:80': 100 });
  });
});

describe('what is known and not served, and mistakes beside it', () => {
  test.each([
    ['v2 m {prefix: /, service: a, shadow: true}', 'error shadow-alone'],
    ['v2 m {prefix: /, service: "https://a"}', 'warning upstream-not-verified'],
    ['v2 m {prefix: /, service: a, tls: none-such}', 'error tls-context-missing'],
    ['v2 m {prefix: /, service: "tcp://a"}', 'error service-scheme'],
    ['v2 m {prefix: /, service: "a:http"}', 'error invalid-value'],
    ['v3alpha1 m {prefix: /, hostname: "*", service: a, headers: {x: true}}', 'error wrong-type'],
    ['v3alpha1 m {prefix: /, hostname: "*", service: a, ambassador_id: default}', 'error wrong-type'],
    ['v3alpha1 m {prefix: /, host: "*.x", service: a}', 'error invalid-value'],
    ['v2 m {prefix: /, service: a, hostname: x}', 'warning unknown-field'],
    ['v2 m {prefix: /, service: a, load_balancer: {policy: maglev}}', 'warning field-not-served'],
    ['v2 m {prefix: "(", prefix_regex: true, service: a}', 'error invalid-regex'],
    ['v2 m {prefix: /x/, service: a, grpc: true}', 'warning grpc-rewrite'],
    ['v2 m {prefix: /, service: a, redirect_response_code: 200}', 'error invalid-value'],
  ])('%s', (line, expected) => {
    expect(codes(manifest(line)).map((code) => code.replace(/^\d+ /, ''))).toContain(expected);
  });
});
