import { describe, expect, it } from 'vitest';
import { defaultHttpSettings, type HttpSettings } from '../model/http-settings.ts';
import { ClientIdentity } from './client-identity.ts';
import type { Transport } from './transport/transport.ts';

const settings: HttpSettings = {
  ...defaultHttpSettings,
  clientCertMode: 'sanitize_set',
  clientCertDetails: { subject: true, cert: true, chain: true, dns: true, uri: true },
};

/** A client with a certificate of so many bytes, from an issuer whose certificate has so many. */
function identityOf(own: number, issuer: number, names = 'DNS:a.test'): ClientIdentity {
  const certificate = {
    raw: Buffer.alloc(own, 1),
    fingerprint256: 'AB:CD',
    subject: 'CN=a',
    subjectAltName: names,
    issuerCertificate: { raw: Buffer.alloc(issuer, 2) },
  };
  const tls = { getPeerX509Certificate: () => certificate, getX509Certificate: () => undefined };
  return new ClientIdentity({ tls } as unknown as Transport);
}

const keysOf = (element: string | null): string[] =>
  (element ?? '')
    .replace(/="[^"]*"/g, '=')
    .split(';')
    .map((pair) => pair.split('=')[0]!);

describe('the identity of a client', () => {
  it.each([
    [100, 100, 'DNS:a.test', ['Hash', 'Cert', 'Chain', 'Subject', 'DNS']],
    [100, 90_000, 'DNS:a.test', ['Hash', 'Cert', 'Subject', 'DNS']],
    [90_000, 100, 'DNS:a.test', ['Hash', 'Subject', 'DNS']],
    [100, 100, `DNS:${'a'.repeat(40_000)}`, ['Hash']],
  ])('certificates of %i and %i bytes: never a field that is too long', (own, issuer, names, keys) => {
    const element = identityOf(own, issuer, names).field(settings, false, null);
    expect(keysOf(element)).toEqual(keys);
    expect(element!.length).toBeLessThanOrEqual(32_768);
  });

  it('is none in cleartext, or without a certificate', () => {
    const clear = new ClientIdentity({ tls: null } as unknown as Transport);
    expect(clear.field(settings, true, 'Hash=lie')).toBeNull();
  });
});
