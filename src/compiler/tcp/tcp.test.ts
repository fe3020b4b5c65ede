import { describe, expect, test } from 'vitest';
import type { TcpRoute } from '../../model/tcp-route.ts';
import { type Compilation, Compiler, type CompilerOptions } from '../compiler.ts';
import { testOptions } from '../test-support.ts';

/** A TCPMapping in a line: name and spec. */
const tcp = (name: string, spec: string, version = 'v3alpha1'): string =>
  `---\napiVersion: getambassador.io/${version}\nkind: TCPMapping\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
const listener = (port: number, protocol: string): string =>
  `---\napiVersion: getambassador.io/v3alpha1\nkind: Listener\nmetadata: {name: l${port}}\nspec: {port: ${port}, protocol: ${protocol}, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}\n`;

function compile(text: string, options: Partial<CompilerOptions> = {}): Compilation {
  return new Compiler({ ...testOptions, ...options }).update([{ path: 'a.yaml', text }]);
}

/** `role service share` of each member. */
function shares({ split }: TcpRoute): string[] {
  return split.members.map((member) => {
    const share = `${member.share}/${split.denominator}`;
    return member.kind === 'backend'
      ? `${member.role} ${member.backend.service} ${share}`
      : `${member.kind} ${share}`;
  });
}
const codes = ({ issues }: Compilation): string[] => issues.map((i) => `${i.line}:${i.column} ${i.code}`);

describe('groups', () => {
  test('a canary carries the weight, stable the rest; each port, address and host is a group', () => {
    const { snapshot, issues } = compile(
      tcp('db', 'port: 5432, service: "db:5432"') +
        tcp('db-canary', 'port: 5432, service: "db-canary:5432", weight: 20') +
        tcp('other', 'port: 5433, service: "db:5432", idle_timeout_ms: "1000"', 'v2') +
        tcp('named', 'port: 5432, host: DB.example.org, service: "named:5432"') +
        tcp('elsewhere', 'port: 5432, address: 127.0.0.2, service: "db:5432"'),
    );
    expect(issues).toEqual([]);
    const found = snapshot.tcpRoutes.map((route) => [route.id, route.name, route.listener, ...shares(route)]);
    expect(found).toEqual([
      [
        'tcp * 5432 *',
        'db.default',
        'tcp:5432',
        'canary db-canary.default:5432 1/5',
        'stable db.default:5432 4/5',
      ],
      ['tcp * 5432 db.example.org', 'named.default', 'tcp:5432', 'stable named.default:5432 1/1'],
      ['tcp * 5433 *', 'other.default', 'tcp:5433', 'stable db.default:5432 1/1'],
      ['tcp 127.0.0.2 5432 *', 'elsewhere.default', 'tcp:127.0.0.2:5432', 'stable db.default:5432 1/1'],
    ]);
    expect(snapshot.tcpRoutes.map(({ idleTimeoutMs }) => idleTimeoutMs)).toEqual([
      3_600_000, 3_600_000, 1000, 3_600_000,
    ]);
  });

  test('weights below 100 are scaled, above 100 an error; a broken stable leaves the canary its share', () => {
    const below = compile(
      tcp('a', 'port: 1, service: a, weight: 10') + tcp('b', 'port: 1, service: b, weight: 30'),
    );
    expect(shares(below.snapshot.tcpRoutes[0]!)).toEqual([
      'canary a.default:80 1/4',
      'stable b.default:80 3/4',
    ]);
    expect(codes(below)).toEqual(['10:29 tcp-weights-rescaled']);
    const above = compile(
      tcp('a', 'port: 1, service: a, weight: 90') + tcp('b', 'port: 1, service: b, weight: 30'),
    );
    expect(codes(above)).toEqual(['10:29 weights-above-100']);
    const broken = compile(
      tcp('a', 'port: 1, service: a, weight: 10') + tcp('b', 'port: 1, service: b, tls: 5'),
    );
    expect(shares(broken.snapshot.tcpRoutes[0]!)).toEqual(['canary a.default:80 1/10', 'respond 9/10']);
    const none = compile(
      tcp('a', 'port: 1, service: a, weight: 0') + tcp('b', 'port: 1, service: b, weight: 0'),
    );
    expect(shares(none.snapshot.tcpRoutes[0]!).at(-1)).toBe('next 1/1');
  });

  test('a member that differs in a core field gets nothing', () => {
    const both = compile(
      tcp('a', 'port: 1, service: a') + tcp('b', 'port: 1, service: b, weight: 10, idle_timeout_ms: "5"'),
    );
    expect(codes(both)).toEqual(['10:41 group-mismatch']);
    expect(shares(both.snapshot.tcpRoutes[0]!)).toEqual(['stable a.default:80 1/1']);
  });
});

test('each mistake is told with its place', () => {
  const text = tcp(
    'a',
    'port: 70000, host: "a:5", address: here, service: "ftp://a", idle_timeout_ms: soon, wieght: 10, upstream_proxy_protocol: v3, resolver: x, prefix: /',
  );
  expect(codes(compile(text))).toEqual([
    '5:8 wrong-type',
    '5:21 invalid-value',
    '5:34 invalid-value',
    '5:49 service-scheme',
    '5:69 invalid-value',
    '5:92 unknown-weight-field',
    '5:104 invalid-value',
    '5:133 field-not-served',
    '5:146 unknown-field',
  ]);
  expect(codes(compile(tcp('a', 'service: a')))).toEqual(['2:1 missing-field']);
});

describe('listeners', () => {
  const mapping = tcp('db', 'port: 5432, service: db');

  test('a TCPMapping opens its port, also beside --listen', () => {
    const listen = [{ address: '127.0.0.1', port: 9 }];
    for (const [options, first] of [
      [{}, 8080],
      [{ listen }, 9],
    ] as const) {
      const { listeners } = compile(mapping, options).snapshot;
      expect(listeners.map(({ port, protocol }) => `${port} ${protocol}`)).toEqual([
        `${first} http`,
        '5432 tcp',
      ]);
    }
  });

  test('Listeners of TCP and TLS are opened for TCPMappings only, and say whether PROXY is demanded', () => {
    const text = listener(5432, 'TCP') + listener(6000, 'TLS');
    expect(codes(compile(text + mapping))).toEqual(['10:20 listener-without-tcp']);
    const stack = listener(5432, 'HTTP').replace('protocol: HTTP', 'protocolStack: [PROXY, TCP]');
    const { snapshot } = compile(stack + mapping);
    expect(snapshot.listeners).toMatchObject([{ port: 5432, protocol: 'tcp', proxyProtocol: true }]);
  });

  test('a TCPMapping without host takes the port of an HTTP Listener, one with host its name only', () => {
    const whole = compile(listener(5432, 'HTTPS') + mapping);
    expect(whole.snapshot.listeners).toMatchObject([{ name: 'l5432.default', protocol: 'https' }]);
    expect(whole.snapshot.tcpRoutes).toMatchObject([{ listener: 'l5432.default' }]);
    expect(codes(whole)).toEqual(['10:8 listener-taken']);
    expect(
      codes(compile(listener(5432, 'HTTPS') + tcp('db', 'port: 5432, host: a.test, service: db'))),
    ).toEqual([]);
  });
});

describe('two that name one address differently', () => {
  const whole = tcp('db', 'port: 5432, service: db');
  const bound = tcp('other', 'port: 5432, address: 127.0.0.1, service: other');

  test('have one listener; for the same connections that is an error that names both', () => {
    const { snapshot, issues } = compile(whole + bound);
    expect(snapshot.listeners.filter(({ port }) => port === 5432)).toMatchObject([{ name: 'tcp:5432' }]);
    expect(snapshot.tcpRoutes.map(({ name }) => name)).toEqual(['db.default']);
    expect(issues).toMatchObject([{ code: 'tcp-taken', severity: 'error', line: 10, column: 20 }]);
    expect(issues[0]!.message).toBe(
      'TCPMapping other.default: db.default takes the connections to 127.0.0.1:5432 already, so other.default gets none',
    );
  });

  test('have both their routes where they are for other server names', () => {
    const named = tcp('named', 'port: 5432, host: a.test, address: "::ffff:127.0.0.1", service: named');
    const { snapshot, issues } = compile(whole + named);
    expect(issues).toEqual([]);
    expect(snapshot.tcpRoutes.map(({ name, listener }) => `${name} ${listener}`)).toEqual([
      'db.default tcp:5432',
      'named.default tcp:5432',
    ]);
  });

  test('are two listeners where --bind is another', () => {
    const { snapshot, issues } = compile(whole + bound, { bind: '127.0.0.2' });
    expect(issues).toEqual([]);
    expect(snapshot.tcpRoutes.map(({ listener }) => listener)).toEqual(['tcp:5432', 'tcp:127.0.0.1:5432']);
  });

  test('the port of a Listener of HTTP is that of --bind, too', () => {
    const { snapshot } = compile(listener(5432, 'HTTPS') + bound);
    expect(snapshot.listeners).toHaveLength(1);
    expect(snapshot.tcpRoutes).toMatchObject([{ name: 'other.default', listener: 'l5432.default' }]);
  });

  test('are mended by a change of either', () => {
    const compiler = new Compiler(testOptions);
    compiler.update([{ path: 'a.yaml', text: whole + bound }]);
    const apart = compiler.update([{ path: 'a.yaml', text: whole + bound.replace('5432', '5433') }]);
    expect([apart.issues, apart.snapshot.tcpRoutes.length]).toEqual([[], 2]);
    const alone = compiler.update([{ path: 'a.yaml', text: bound }]);
    expect(alone.snapshot.tcpRoutes).toMatchObject([
      { name: 'other.default', listener: 'tcp:127.0.0.1:5432' },
    ]);
  });
});

test('a port of TCPMappings takes no hostname from a Host of a listener of its own', () => {
  const host = (name: string, namespace: string): string =>
    `---\napiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {hostname: a.test, tlsContext: {name: c}}\n---\napiVersion: getambassador.io/v2\nkind: TLSContext\nmetadata: {name: c, namespace: ${namespace}}\nspec: {cert_chain_file: /c, private_key_file: /k}\n`;
  const own = (port: number, namespace: string): string =>
    listener(port, 'HTTPS')
      .replace('from: ALL', 'from: SELF')
      .replace('{name: l', `{namespace: ${namespace}, name: l`);
  const text = host('a', 'x') + host('b', 'y') + own(1, 'x') + own(2, 'y');
  const names = (compilation: Compilation): unknown =>
    compilation.snapshot.tlsContexts.map(({ name, hostnames }) => [name, hostnames]);
  const files = { read: () => ({ text: 'pem' }), retain: () => undefined };
  const before = compile(text, { files });
  expect(names(before)).toContainEqual(['Host b.y', ['a.test']]);
  const after = compile(text + tcp('db', 'port: 5432, host: db.test, service: db'), { files });
  expect(names(after)).toEqual(names(before));
});

test('in an annotation it stands as in a document of its own', () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 's',
      annotations: {
        'getambassador.io/config':
          'apiVersion: ambassador/v1\nkind: TCPMapping\nname: db\nport: 5432\nservice: db:5432\ntls: true\nidle_timeout_ms: 7\n',
      },
    },
    spec: { ports: [{ port: 5432 }] },
  };
  const { snapshot } = compile(JSON.stringify(service));
  expect(snapshot.tcpRoutes).toMatchObject([
    {
      name: 'db.default',
      port: 5432,
      idleTimeoutMs: 7,
      split: { members: [{ backend: { tls: { serverName: 'db' } } }] },
    },
  ]);
});
