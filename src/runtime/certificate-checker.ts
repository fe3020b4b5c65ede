import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, getCiphers } from 'node:tls';
import type { CertificateChecker, CheckedKeyPair } from '../compiler/tls/certificate-checker.ts';

/** Looks at certificates with OpenSSL, as Node has it. @param now milliseconds since 1970, against which dates are held. */
export function certificateChecker(now: () => number = Date.now): CertificateChecker {
  const ciphers = new Set(getCiphers());
  return {
    keyPair: (chain, privateKey) => checkKeyPair(chain, privateKey, now()),
    authorities(pem) {
      const read = readCertificates(pem);
      return 'reason' in read ? read.reason : reasonOf(() => createSecureContext({ ca: pem }));
    },
    revocations: (pem) => {
      if (!pem.includes('-----BEGIN X509 CRL-----')) return 'there is no -----BEGIN X509 CRL----- in it';
      return reasonOf(() => createSecureContext({ crl: pem }));
    },
    // By the list, for OpenSSL takes `ALL` and `@SECLEVEL=0` for ciphers, too.
    unknownCipher: (names) => names.find((name) => !ciphers.has(name.toLowerCase())) ?? null,
    unknownCurve: (names) => names.find((name) => !isCurve(name)) ?? null,
  };
}

function checkKeyPair(chain: string, privateKey: string, now: number): CheckedKeyPair {
  const read = readCertificates(chain);
  if ('reason' in read) return { kind: 'bad-certificate', reason: read.reason };
  const leaf = read.certificates[0]!;
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKey);
  } catch (error) {
    return { kind: 'bad-key', reason: words(error) };
  }
  if (!leaf.checkPrivateKey(key)) return { kind: 'mismatch' };
  // What can be read is not always taken: a key of 512 bits, a signature by MD5.
  const reason = reasonOf(() => createSecureContext({ cert: chain, key: privateKey }));
  if (reason !== null) return { kind: 'bad-certificate', reason };
  return { kind: 'good', names: namesOf(leaf), invalid: invalidity(read.certificates, now) };
}

const certificate = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function readCertificates(pem: string): { certificates: X509Certificate[] } | { reason: string } {
  const blocks = pem.match(certificate);
  if (blocks === null) return { reason: 'there is no -----BEGIN CERTIFICATE----- with an end in it' };
  const certificates: X509Certificate[] = [];
  for (const block of blocks) {
    try {
      certificates.push(new X509Certificate(block));
    } catch (error) {
      const which = blocks.length === 1 ? '' : `certificate ${certificates.length + 1}: `;
      return { reason: which + words(error) };
    }
  }
  return { certificates };
}

/** Only the alternative names count; nobody looks at the subject's any more (RFC 9525 2). */
function namesOf({ subjectAltName }: X509Certificate): string[] {
  const names: string[] = [];
  // Node writes a name with anything unusual in it as a JSON string.
  for (const [, kind, quoted, plain] of (subjectAltName ?? '').matchAll(
    /(?:^|, )(DNS|IP Address):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g,
  )) {
    const name = quoted === undefined ? plain! : String(JSON.parse(quoted));
    names.push(kind === 'DNS' ? name.toLowerCase() : name);
  }
  return names;
}

/** The first certificate of the chain that is not valid now. */
function invalidity(
  certificates: readonly X509Certificate[],
  now: number,
): Extract<CheckedKeyPair, { kind: 'good' }>['invalid'] {
  for (const { validFrom, validTo } of certificates) {
    if (Date.parse(validTo) < now) return { kind: 'expired', date: day(validTo) };
    if (Date.parse(validFrom) > now) return { kind: 'not-yet-valid', date: day(validFrom) };
  }
  return null;
}

function day(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}

function isCurve(name: string): boolean {
  // A colon would make a list of it.
  return /^[\w.-]+$/.test(name) && reasonOf(() => createSecureContext({ ecdhCurve: name })) === null;
}

function reasonOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return words(error);
  }
}

/** OpenSSL's words: `error:0909006C:PEM routines::no start line` → `no start line`. They have nothing of a key in them. */
function words(error: unknown): string {
  const { message } = error as Error;
  return message.replace(/^error:[0-9A-F]+:[^:]*:[^:]*:/, '');
}
