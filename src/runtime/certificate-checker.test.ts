import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeCertificate, makeRevocationList } from '../../test/support/certificates.ts';
import { certificateChecker } from './certificate-checker.ts';

const checker = certificateChecker();
const authority = makeCertificate({ subject: 'authority' });
const names = ['Example.org', '*.example.org', '127.0.0.1'];
const good = makeCertificate({ subject: 'good', names, issuer: authority });
const day = 86_400_000;

describe('a certificate with its key', () => {
  it('is good with its chain, and its names are told in lower case', () => {
    const found = checker.keyPair(good.certificate + authority.certificate, good.privateKey);
    expect(found).toEqual({
      kind: 'good',
      names: ['example.org', '*.example.org', '127.0.0.1'],
      invalid: null,
    });
  });

  it('has no name but those of subjectAltName', () => {
    const nameless = makeCertificate({ subject: 'example.org', issuer: authority });
    expect(checker.keyPair(nameless.certificate, nameless.privateKey)).toMatchObject({ names: [] });
  });

  it('does not mind text around it', () => {
    const chain = `subject=good\r\n${good.certificate.replace(/\n/g, '\r\n')}\r\nissuer=authority\r\n`;
    expect(checker.keyPair(chain, good.privateKey).kind).toBe('good');
  });

  it('is told of when it has expired, or so has one of its chain', () => {
    const until = Date.UTC(2020, 0, 2);
    const expired = makeCertificate({ subject: 'old', from: until - day, until });
    const below = makeCertificate({ subject: 'below', issuer: expired });
    const invalid = { kind: 'expired', date: '2020-01-02' };
    expect(checker.keyPair(expired.certificate, expired.privateKey)).toMatchObject({ kind: 'good', invalid });
    const chain = below.certificate + expired.certificate;
    expect(checker.keyPair(chain, below.privateKey)).toMatchObject({ kind: 'good', invalid });
  });

  it('is told of when it is not valid yet', () => {
    const from = Date.UTC(2040, 5, 7);
    const early = makeCertificate({ subject: 'early', from, until: from + day });
    const invalid = { kind: 'not-yet-valid', date: '2040-06-07' };
    expect(checker.keyPair(early.certificate, early.privateKey)).toMatchObject({ kind: 'good', invalid });
    expect(certificateChecker(() => from + 1).keyPair(early.certificate, early.privateKey)).toMatchObject({
      invalid: null,
    });
  });

  it('has to be the first of its chain', () => {
    const found = checker.keyPair(authority.certificate + good.certificate, good.privateKey);
    expect(found).toEqual({ kind: 'mismatch' });
  });

  it.each([
    ['nothing', '', 'there is no -----BEGIN CERTIFICATE----- with an end in it'],
    ['a key', good.privateKey, 'there is no -----BEGIN CERTIFICATE----- with an end in it'],
    [
      'half of it',
      good.certificate.slice(0, 200),
      'there is no -----BEGIN CERTIFICATE----- with an end in it',
    ],
    [
      'a second one that is broken',
      good.certificate + good.certificate.replace(/MII..../, 'MIIAAAAA'),
      expect.stringMatching(/^certificate 2: [\w ]+$/),
    ],
  ])('is not %s', (_, chain, reason) => {
    expect(checker.keyPair(chain, good.privateKey)).toEqual({ kind: 'bad-certificate', reason });
  });

  it('does not do with a key that nobody could read, and says nothing of the key', () => {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' },
    });
    for (const key of ['', 'secret', good.certificate, good.privateKey.slice(0, 80), privateKey]) {
      const found = checker.keyPair(good.certificate, key);
      expect(found.kind).toBe('bad-key');
      const reason = 'reason' in found ? found.reason : '';
      expect(reason).toMatch(/^[A-Za-z ]+$/);
      expect(reason).not.toContain('secret');
    }
  });

  it('does not do with a key that is too weak for OpenSSL', () => {
    const weak = makeCertificate({ subject: 'weak', issuer: authority, rsaBits: 512 });
    const found = checker.keyPair(weak.certificate, weak.privateKey);
    expect(found).toEqual({ kind: 'bad-certificate', reason: 'ee key too small' });
  });
});

describe('authorities and lists of revoked certificates', () => {
  it('are good, broken or something else', () => {
    expect(checker.authorities(authority.certificate + good.certificate)).toBeNull();
    expect(checker.authorities('x')).toBe('there is no -----BEGIN CERTIFICATE----- with an end in it');
    const list = makeRevocationList(authority, [good]);
    expect(checker.revocations(list)).toBeNull();
    expect(checker.revocations(list.replace(/MII?..../, 'AAAAAAAA'))).toMatch(/\w/);
    expect(checker.revocations(good.certificate)).toBe('there is no -----BEGIN X509 CRL----- in it');
  });
});

describe('algorithms', () => {
  it('are known by the names of OpenSSL', () => {
    expect(checker.unknownCipher(['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_AES_128_GCM_SHA256'])).toBeNull();
    expect(checker.unknownCurve(['X25519', 'P-256', 'prime256v1'])).toBeNull();
  });

  it('are neither expressions nor lists nor inventions', () => {
    for (const name of ['ALL', '!aNULL', '@SECLEVEL=0', 'ECDHE-RSA-AES128-GCM-SHA256:ALL', 'ROT13', ''])
      expect(checker.unknownCipher(['ECDHE-RSA-AES128-GCM-SHA256', name])).toBe(name);
    for (const name of ['X25519:P-256', 'curve', ''])
      expect(checker.unknownCurve(['X25519', name])).toBe(name);
  });
});
