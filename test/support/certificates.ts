import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate with its key, in PEM form. */
export interface TestCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly key: KeyObject;
  readonly subject: string;
  readonly serial: Buffer;
}

/** What a certificate shall say. */
export interface CertificateRequest {
  /** Its common name. */
  readonly subject: string;
  /** DNS names, IPv4 addresses and URIs. */
  readonly names?: readonly string[];
  /** Who signs it; nobody = itself, and it is an authority. */
  readonly issuer?: TestCertificate;
  /** True for an authority below another one. */
  readonly authority?: boolean;
  /** An RSA key in place of P-256, for one that `issuer` signs. */
  readonly rsaBits?: number;
  /** Milliseconds since 1970; by default from a day ago to a year from now. */
  readonly from?: number;
  readonly until?: number;
}

const dayMs = 86_400_000;
const oids = {
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  alternativeNames: '2.5.29.17',
  subjectKey: '2.5.29.14',
  authorityKey: '2.5.29.35',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
};

/** Makes a certificate (P-256) that OpenSSL takes; tests need neither a program nor a file for it. RFC 5280. */
export function makeCertificate(request: CertificateRequest): TestCertificate {
  const { subject, names = [], issuer, authority = issuer === undefined, rsaBits } = request;
  const { publicKey, privateKey } =
    rsaBits === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: rsaBits });
  const key = issuer?.key ?? privateKey;
  const serial = randomBytes(8);
  serial[0] = 1 + (serial[0]! & 0x3f);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const alternatives = names.map((name) => {
    if (isIP(name)) return tlv(0x87, Buffer.from(name.split('.').map(Number)));
    return tlv(name.includes('://') ? 0x86 : 0x82, Buffer.from(name));
  });
  const extensions = [
    extension(oids.basicConstraints, sequence(...(authority ? [tlv(1, Buffer.of(0xff))] : [])), true),
    extension(oids.subjectKey, tlv(4, keyId(publicKey))),
  ];
  if (issuer !== undefined) {
    const theirs = tlv(0x80, keyId(new X509Certificate(issuer.certificate).publicKey));
    extensions.push(extension(oids.authorityKey, sequence(theirs)));
  }
  if (names.length > 0) extensions.push(extension(oids.alternativeNames, sequence(...alternatives)));
  const { from = Date.now() - dayMs, until = Date.now() + 365 * dayMs } = request;
  const body = sequence(
    tlv(0xa0, integer(Buffer.of(2))),
    integer(serial),
    algorithm,
    commonName(issuer?.subject ?? subject),
    sequence(time(from), time(until)),
    commonName(subject),
    spki,
    tlv(0xa3, sequence(...extensions)),
  );
  return {
    certificate: pem('CERTIFICATE', signed(body, key)),
    privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    key: privateKey,
    subject,
    serial,
  };
}

/** A list of certificates that `issuer` takes back. */
export function makeRevocationList(issuer: TestCertificate, revoked: readonly TestCertificate[]): string {
  const now = Date.now();
  const entries = revoked.map(({ serial }) => sequence(integer(serial), time(now - dayMs)));
  const body = sequence(
    integer(Buffer.of(1)),
    algorithm,
    commonName(issuer.subject),
    time(now - dayMs),
    time(now + dayMs),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
  );
  return pem('X509 CRL', signed(body, issuer.key));
}

function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}

function sequence(...content: readonly Uint8Array[]): Buffer {
  return tlv(0x30, ...content);
}

function integer(bytes: Buffer): Buffer {
  return tlv(2, bytes);
}

function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const bytes = [first! * 40 + second!];
  for (const part of rest) {
    const digits = [part & 127];
    for (let left = part >>> 7; left > 0; left >>>= 7) digits.unshift((left & 127) | 128);
    bytes.push(...digits);
  }
  return tlv(6, Buffer.from(bytes));
}

const algorithm = sequence(oid(oids.ecdsaWithSha256));

function commonName(name: string): Buffer {
  return sequence(tlv(0x31, sequence(oid(oids.commonName), tlv(0x0c, Buffer.from(name)))));
}

function time(at: number): Buffer {
  return tlv(0x17, Buffer.from(`${new Date(at).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [tlv(1, Buffer.of(0xff))] : []), tlv(4, value));
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function signed(body: Buffer, key: KeyObject): Buffer {
  return sequence(body, algorithm, tlv(3, Buffer.of(0), sign('sha256', body, key)));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
