import { describe, expect, test } from 'vitest';
import { Compiler, type CompilerOptions } from '../../src/compiler/compiler.ts';
import { testOptions } from '../../src/compiler/test-support.ts';
import type { ExternalFiles } from '../../src/compiler/tls/certificate-checker.ts';
import type { TlsContext } from '../../src/model/tls.ts';
import { certificateChecker } from '../../src/runtime/certificate-checker.ts';
import { makeCertificate, makeRevocationList } from '../support/certificates.ts';
import { context, pair, secret } from '../support/tls-manifests.ts';

const authority = makeCertificate({ subject: 'authority' });
const forA = makeCertificate({ subject: 'a', names: ['a.example.org'], issuer: authority });
const forB = makeCertificate({ subject: 'b', names: ['b.example.org'], issuer: authority });
const forAll = makeCertificate({ subject: 'all', names: ['*.example.org'], issuer: authority });

const options: CompilerOptions = { ...testOptions, certificates: certificateChecker() };

function host(name: string, rest = `tlsSecret: {name: ${name}}`): string {
  return `---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: ${name}}
spec:
  hostname: ${name}.example.org
  ${rest}
`;
}

/** What was said beside what is not served, as `line:column code`, and the contexts by name. */
function compile(text: string, compiler = new Compiler(options)) {
  const { snapshot, issues } = compiler.update([{ path: 'm.yaml', text }]);
  const said = issues.filter(({ code }) => !/-not-served$/.test(code));
  for (const { key: privateKey } of [forA, forB, forAll, authority]) {
    const secrets = privateKey.export({ format: 'jwk' }).d ?? '';
    expect(JSON.stringify(issues)).not.toContain(secrets);
  }
  return {
    issues: said,
    codes: said.map(({ line, column, code }) => `${line}:${column} ${code}`),
    contexts: Object.fromEntries(snapshot.tlsContexts.map((one) => [one.name, one])) as Record<
      string,
      TlsContext
    >,
  };
}

describe('a Host with a Secret', () => {
  test('terminates TLS for its hostname', () => {
    const { issues, contexts } = compile(pair('a', forA) + host('a'));
    expect(issues).toEqual([]);
    expect(contexts['Host a.default']).toEqual({
      name: 'Host a.default',
      hostnames: ['a.example.org'],
      virtualHost: 'a.default',
      broken: false,
      certificate: { chain: forA.certificate, privateKey: forA.privateKey },
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      alpn: ['h2', 'http/1.1'],
      cipherSuites: [],
      ecdhCurves: [],
      clientCertificates: 'off',
      ca: null,
      crl: null,
    });
  });

  test('of another namespace', () => {
    const text = pair('a', forA, 'certificates') + host('a', 'tlsSecret: {name: a, namespace: certificates}');
    expect(compile(text).contexts['Host a.default']?.broken).toBe(false);
  });

  test.each([
    ['there is no such Secret', '', '7:15 secret-missing'],
    ['its Secret has no key', secret('b', { 'tls.crt': forB.certificate }), '2:1 secret-incomplete'],
    [
      'its certificate is none',
      secret('b', { 'tls.crt': 'x', 'tls.key': forB.privateKey }),
      '6:3 certificate-unreadable',
    ],
    [
      'its key is none',
      secret('b', { 'tls.crt': forB.certificate, 'tls.key': 'x' }),
      '7:3 private-key-unreadable',
    ],
    [
      'the key belongs to another certificate',
      secret('b', { 'tls.crt': forB.certificate, 'tls.key': forA.privateKey }),
      '7:3 certificate-key-mismatch',
    ],
  ])('costs only itself when %s', (_, broken, code) => {
    const { codes, contexts, issues } = compile(broken + host('b') + pair('a', forA) + host('a'));
    expect(codes).toEqual([code]);
    expect(issues[0]).toMatchObject({ severity: 'error', file: 'm.yaml', help: expect.stringMatching(/\w/) });
    expect(contexts['Host a.default']).toMatchObject({ broken: false });
    expect(contexts['Host b.default']).toMatchObject({ broken: true, certificate: null });
  });

  test('is warned of names that the certificate is not for, and of dates; both are served', () => {
    const old = makeCertificate({ subject: 'old', names: ['b.example.org'], until: Date.UTC(2020, 0, 1) });
    const { issues, contexts } = compile(pair('a', forB) + host('a') + pair('b', old) + host('b'));
    expect(issues.map(({ code, severity }) => [code, severity])).toEqual([
      ['certificate-names', 'warning'],
      ['certificate-expired', 'warning'],
    ]);
    expect(issues[0]?.message).toContain('is for b.example.org, not for a.example.org');
    expect(Object.values(contexts).map(({ broken }) => broken)).toEqual([false, false]);
  });

  test('keeps its last good certificate when the Secret breaks, and takes the next good one', () => {
    const compiler = new Compiler(options);
    compile(pair('a', forA) + host('a'), compiler);
    const broken = compile(secret('a', { 'tls.crt': 'x', 'tls.key': 'x' }) + host('a'), compiler);
    expect(broken.issues).toMatchObject([{ code: 'certificate-unreadable', kept: true }]);
    expect(broken.contexts['Host a.default']?.certificate?.chain).toBe(forA.certificate);
    const next = compile(pair('a', forAll) + host('a'), compiler);
    expect(next.issues).toEqual([]);
    expect(next.contexts['Host a.default']?.certificate?.chain).toBe(forAll.certificate);
  });
});

describe('a TLSContext', () => {
  test('terminates TLS for its hosts, as it says', () => {
    const { issues, contexts } = compile(
      pair('all', forAll) +
        context(
          'strict',
          'hosts: ["*.example.org"], secret: all, min_tls_version: v1.3, alpn_protocols: h2, ecdh_curves: [X25519]',
        ),
    );
    expect(issues).toEqual([]);
    expect(contexts['TLSContext strict.default']).toMatchObject({
      hostnames: ['*.example.org'],
      virtualHost: null,
      minVersion: 'TLSv1.3',
      alpn: ['h2'],
      ecdhCurves: ['X25519'],
    });
  });

  test('asks for client certificates with ca_secret, and demands them with cert_required', () => {
    const list = makeRevocationList(authority, [forB]);
    const { issues, contexts } = compile(
      pair('a', forA) +
        secret('ca', { 'ca.crt': authority.certificate }) +
        secret('crl', { 'crl.pem': list }) +
        context('asks', 'hosts: [a.example.org], secret: a, ca_secret: ca') +
        context('demands', 'hosts: ["*"], secret: a, ca_secret: ca, crl_secret: crl, cert_required: true'),
    );
    expect(issues).toEqual([]);
    expect(contexts['TLSContext asks.default']).toMatchObject({
      clientCertificates: 'optional',
      ca: authority.certificate,
      crl: null,
    });
    expect(contexts['TLSContext demands.default']).toMatchObject({
      clientCertificates: 'required',
      crl: list,
    });
  });

  test('is closed when it demands client certificates and names no authority', () => {
    const { codes, contexts } = compile(
      pair('a', forA) + context('a', 'hosts: [a.example.org], secret: a, cert_required: true'),
    );
    expect(codes).toEqual(['12:1 certificate-authority-missing']);
    expect(contexts['TLSContext a.default']?.broken).toBe(true);
  });

  test('is closed when an algorithm is not known', () => {
    const { issues, contexts } = compile(
      pair('a', forA) + context('a', 'hosts: [a.example.org], secret: a, cipher_suites: [ALL]'),
    );
    expect(issues).toMatchObject([{ code: 'cipher-suite-unknown' }]);
    expect(contexts['TLSContext a.default']?.broken).toBe(true);
  });

  test('gives way to a Host with the same hostname, with a warning', () => {
    const { issues, contexts } = compile(
      pair('a', forA) + host('a') + context('other', 'hosts: [a.example.org, c.example.org], secret: a'),
    );
    expect(issues.map(({ code }) => code)).toEqual(['certificate-names', 'tls-hostname-taken']);
    expect(contexts['TLSContext other.default']?.hostnames).toEqual(['c.example.org']);
  });

  test('is what a Host names for its settings', () => {
    const { issues, contexts } = compile(
      pair('a', forA) +
        host('a', 'tlsSecret: {name: a}\n  tlsContext: {name: strict}') +
        context('strict', 'min_tls_version: v1.3'),
    );
    expect(issues).toEqual([]);
    expect(contexts['Host a.default']).toMatchObject({ minVersion: 'TLSv1.3', broken: false });
  });

  test('reads files beside its manifest, which are asked for as long as they are named', () => {
    const files: Record<string, string> = { 'x/c.pem': forA.certificate, 'x/k.pem': forA.privateKey };
    let retained: readonly string[] = [];
    const external: ExternalFiles = {
      read: (path) => (files[path] === undefined ? { problem: 'no' } : { text: files[path] }),
      retain: (paths) => {
        retained = [...paths];
      },
    };
    const compiler = new Compiler({ ...options, files: external });
    const text = context('a', 'hosts: [a.example.org], cert_chain_file: c.pem, private_key_file: k.pem');
    const first = compiler.update([{ path: 'x/m.yaml', text }]);
    expect(first.snapshot.tlsContexts[0]).toMatchObject({ broken: false });
    expect(retained).toEqual(['x/c.pem', 'x/k.pem']);
    files['x/c.pem'] = forB.certificate;
    files['x/k.pem'] = forB.privateKey;
    const second = compiler.update([{ path: 'x/k.pem', text: null, external: true }]);
    expect(second.patch.tlsContexts?.[0]?.certificate?.chain).toBe(forB.certificate);
    expect(second.patch.listeners).toBeNull();
    compiler.update([{ path: 'x/m.yaml', text: null }]);
    expect(retained).toEqual([]);
  });
});

test('the Modules of old terminate TLS for all hosts', () => {
  const { issues, contexts } = compile(`${pair('ambassador-certs', forA)}---
apiVersion: getambassador.io/v1
kind: Module
metadata: {name: tls}
spec: {config: {server: {enabled: true}}}
`);
  expect(issues).toEqual([]);
  expect(contexts['TLSContext server.default']).toMatchObject({ hostnames: ['*'], broken: false });
});

test('a Secret that nobody names, or of another kind, is nobody’s business', () => {
  expect(compile(secret('password', { 'tls.crt': 'x', password: 'x' })).issues).toEqual([]);
});
