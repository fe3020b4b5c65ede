import { isMap } from '../field-types.ts';
import { type Finding, finding } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';

/** Keys of Secrets that TLS is made of: Kubernetes' own, Istio's and those of Ambassador. */
const secretKeys = [
  'tls.crt',
  'tls.key',
  'ca.crt',
  'cert-chain.pem',
  'key.pem',
  'root-cert.pem',
  'user.key',
  'crl.pem',
] as const;

/** One of the keys above. */
export type SecretKey = (typeof secretKeys)[number];

/** A Secret, as far as TLS goes. Its texts are in no message, whatever is wrong with them. */
export interface Secret {
  readonly kind: 'Secret';
  readonly meta: ObjectMeta;
  readonly texts: Readonly<Partial<Record<SecretKey, string>>>;
  /** Keys that stand in `stringData`, where the others stand in `data`. */
  readonly plain: readonly SecretKey[];
}

/** Reads a Secret of any type: `data` (base64, or PEM as it is) and `stringData`, which wins. Other keys are nobody's business. */
export function parseSecret(
  object: Readonly<Record<string, unknown>>,
  meta: ObjectMeta,
): { resource: Secret; findings: Finding[] } {
  const findings: Finding[] = [];
  const texts: Partial<Record<SecretKey, string>> = {};
  const data = isMap(object.data) ? object.data : {};
  const stringData = isMap(object.stringData) ? object.stringData : {};
  const plain = secretKeys.filter((key) => typeof stringData[key] === 'string');
  for (const key of secretKeys) {
    const written = data[key];
    if (plain.includes(key)) texts[key] = String(stringData[key]);
    else if (written !== undefined && written !== null) {
      const text = typeof written === 'string' ? decode(written) : null;
      if (text === null) findings.push(finding('secret-not-base64', ['data', key], { key }));
      else texts[key] = text;
    }
  }
  return { resource: { kind: 'Secret', meta, texts, plain }, findings };
}

/** Text of a value; PEM that nobody has encoded is taken as it is, as Ambassador does. Null: it is not base64. */
function decode(written: string): string | null {
  if (written.startsWith('-----BEGIN')) return written;
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(written), (char) => char.charCodeAt(0)));
  } catch {
    return null;
  }
}
