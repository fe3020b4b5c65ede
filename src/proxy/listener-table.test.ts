import { describe, expect, it } from 'vitest';
import type { Listener } from '../model/snapshot.ts';
import type { TlsContext } from '../model/tls.ts';
import { isMisdirected, ListenerTable, secureSide } from './listener-table.ts';

function context(name: string, hostnames: readonly string[], more: Partial<TlsContext> = {}): TlsContext {
  return {
    name,
    hostnames,
    virtualHost: null,
    broken: false,
    certificate: { chain: '', privateKey: '' },
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    alpn: ['h2'],
    cipherSuites: [],
    ecdhCurves: [],
    clientCertificates: 'off',
    ca: null,
    crl: null,
    ...more,
  };
}

function listener(name: string, more: Partial<Listener> = {}): Listener {
  return {
    name,
    address: null,
    port: 1,
    protocol: 'https',
    securityModel: 'xfp',
    trustedHops: 0,
    proxyProtocol: false,
    virtualHosts: null,
    ...more,
  };
}

function table(listeners: readonly Listener[], tlsContexts: readonly TlsContext[]): ListenerTable {
  const made = new ListenerTable();
  const rest = { virtualHosts: null, tcpRoutes: null, setRoutes: [], deleteRoutes: [] };
  made.apply({ from: 0, revision: 1, listeners, tlsContexts, http: null, ...rest });
  return made;
}

describe('the context for a server name', () => {
  const made = table(
    [listener('all'), listener('some', { virtualHosts: ['mine'] })],
    [
      context('exact', ['a.example.org']),
      context('suffix', ['*.example.org']),
      context('longer', ['*.b.example.org']),
      context('prefix', ['a.*']),
      context('any', ['*']),
      context('mine', ['mine.test'], { virtualHost: 'mine' }),
      context('theirs', ['theirs.test'], { virtualHost: 'theirs' }),
      context('upstream', []),
    ],
  );

  it.each([
    ['a.example.org', 'exact'],
    ['c.example.org', 'suffix'],
    ['c.b.example.org', 'longer'],
    ['a.test', 'prefix'],
    ['.example.org', 'any'],
    ['example.org', 'any'],
    ['a.', 'any'],
    [null, 'any'],
  ])('%s: %s', (name, wanted) => {
    expect(made.contextFor('all', name)?.name).toBe(wanted);
  });

  it('is one whose virtual host is reached through the listener', () => {
    expect(made.contextFor('all', 'theirs.test')?.name).toBe('theirs');
    expect(made.contextFor('some', 'mine.test')?.name).toBe('mine');
    expect(made.contextFor('some', 'theirs.test')?.name).toBe('any');
    expect(made.contextFor('nowhere', 'a.example.org')).toBeNull();
  });
});

describe('a side of a listener', () => {
  it.each([
    ['xfp', false, true],
    ['secure', true, true],
    ['insecure', false, false],
  ] as const)('is secure by its model: %s', (securityModel, cleartext, overTls) => {
    const made = table([listener('l', { securityModel })], []);
    expect(made.side('l').secure).toBe(cleartext);
    expect(made.side(secureSide('l', 'x')).secure).toBe(overTls);
  });

  it('follows changes', () => {
    const made = table([listener('l')], []);
    expect(made.side('l').virtualHosts).toBeNull();
    const listeners = [listener('l', { virtualHosts: ['a'] })];
    const rest = { virtualHosts: null, tcpRoutes: null, setRoutes: [], deleteRoutes: [] };
    made.apply({ from: 1, revision: 2, listeners, tlsContexts: null, http: null, ...rest });
    expect(made.side('l').virtualHosts).toEqual(['a']);
    expect(made.door('l').protocol).toBe('https');
    expect(made.side('gone')).toMatchObject({ secure: false, context: null });
  });
});

describe('a host that demands client certificates', () => {
  const required = { clientCertificates: 'required' } as const;
  const made = table(
    [listener('tls'), listener('clear', { protocol: 'http' })],
    [
      context('strict', ['strict.test', '*.strict.test'], required),
      context('broken', ['broken.test'], { ...required, broken: true, certificate: null }),
      context('any', ['*']),
    ],
  );

  it('is served to connections of its own context alone', () => {
    const hosts = ['strict.test', 'STRICT.test:443', 'strict.test.', 'a.strict.test', 'broken.test'];
    for (const host of hosts) {
      expect(isMisdirected(made.side('tls'), host)).toBe(true);
      expect(isMisdirected(made.side('clear'), host)).toBe(true);
      expect(isMisdirected(made.side(secureSide('tls', 'any')), host)).toBe(true);
    }
    const own = made.side(secureSide('tls', 'strict'));
    expect(hosts.map((host) => isMisdirected(own, host))).toEqual([false, false, false, false, true]);
    expect(isMisdirected(own, 'other.test')).toBe(false);
    expect(isMisdirected(made.side('clear'), 'other.test')).toBe(false);
  });
});
