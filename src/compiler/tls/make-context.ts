import type { TlsContext } from '../../model/tls.ts';
import { type Finding, finding } from '../../resources/issue.ts';
import type { Unit } from '../unit.ts';
import type { CertificateChecker } from './certificate-checker.ts';
import type { ContextDraft } from './drafts.ts';
import type { CheckedPair, Material, MaterialReader } from './material.ts';

/** A row of the snapshot, and what there is to say of it. */
export interface MadeContext {
  readonly context: TlsContext;
  readonly findings: readonly (readonly [Unit, Finding])[];
  /** True if a part of the row is its last good one, because the new one is missing or wrong. */
  readonly kept: boolean;
}

/**
 * Makes a row. A part that is missing or wrong is taken from `before`, the row as it was last; where that has none,
 * the row is broken: nothing is served with half of what was asked for.
 */
export function makeContext(
  draft: ContextDraft,
  before: TlsContext | null,
  reader: MaterialReader,
  checker: CertificateChecker,
): MadeContext {
  const findings: (readonly [Unit, Finding])[] = [];
  const { settings, settingsUnit, unit } = draft;
  let kept = false;
  let broken = draft.broken;
  const lastGood = before?.broken === false ? before : null;
  const orLast = <T>(material: Material<T> | null, last: T | null): T | null => {
    if (material === null) return null;
    findings.push(...material.findings);
    if (material.value !== null) return material.value;
    if (last === null) broken = true;
    else kept = true;
    return last;
  };
  const pair = pairMaterial(draft, reader);
  const certificate = orLast(pair, lastGood?.certificate ?? null);
  if (pair?.value != null) findings.push(...nameFindings(draft, pair.value));
  const ca = orLast(authorityMaterial(draft, pair?.value ?? null, reader), lastGood?.ca ?? null);
  const crl = orLast(revocationMaterial(draft, reader), lastGood?.crl ?? null);
  const [hostname] = draft.hostnames;
  const needs = (code: 'certificate-missing' | 'certificate-authority-missing', at: Unit): void => {
    findings.push([at, finding(code, settings?.at ?? draft.hostnamesAt, { hostname: hostname ?? '' })]);
    broken = true;
  };
  if (hostname !== undefined) {
    if (pair === null) needs('certificate-missing', unit);
    if (settings?.certRequired && ca === null && !broken)
      needs('certificate-authority-missing', settingsUnit);
  }
  const cipherSuites = settings?.cipherSuites ?? [];
  const ecdhCurves = settings?.ecdhCurves ?? [];
  const unknown = unknownAlgorithm(cipherSuites, ecdhCurves, checker);
  if (unknown !== null) {
    const { field, name } = unknown;
    findings.push([
      settingsUnit,
      finding('cipher-suite-unknown', [...(settings?.at ?? []), field], { field, name }),
    ]);
    if (lastGood === null) broken = true;
    else kept = true;
  }
  const algorithms = unknown === null ? { cipherSuites, ecdhCurves } : lastGood;
  const asks = hostname !== undefined && (ca !== null || settings?.certRequired === true);
  const context: TlsContext = {
    name: draft.name,
    hostnames: draft.hostnames,
    virtualHost: draft.virtualHost,
    broken,
    certificate: broken || certificate === null ? null : keyPairOf(certificate),
    minVersion: settings?.minVersion ?? 'TLSv1.2',
    maxVersion: settings?.maxVersion ?? 'TLSv1.3',
    alpn: settings?.alpn ?? ['h2', 'http/1.1'],
    cipherSuites: algorithms?.cipherSuites ?? [],
    ecdhCurves: algorithms?.ecdhCurves ?? [],
    clientCertificates: !asks ? 'off' : settings?.certRequired ? 'required' : 'optional',
    ca: broken ? null : ca,
    crl: broken ? null : crl,
  };
  return { context, findings, kept: kept && !broken };
}

function keyPairOf({ chain, privateKey }: NonNullable<TlsContext['certificate']>): TlsContext['certificate'] {
  return { chain, privateKey };
}

/** Null: no certificate was asked for. */
function pairMaterial(
  { secret, settings, unit, settingsUnit }: ContextDraft,
  reader: MaterialReader,
): Material<CheckedPair> | null {
  if (secret !== null) return reader.pairOf(secret, unit);
  if (settings?.certChainFile == null || settings.privateKeyFile === null) return null;
  return reader.pairOfFiles(settings.certChainFile, settings.privateKeyFile, settings.at, settingsUnit);
}

/** The authority of ca_secret, else of the file, else the one that comes with the certificate. */
function authorityMaterial(
  { settings, settingsUnit, refer }: ContextDraft,
  pair: CheckedPair | null,
  reader: MaterialReader,
): Material<string> | null {
  if (settings?.caSecret != null)
    return reader.ofSecret('authority', refer(settings.caSecret, 'ca_secret'), settingsUnit);
  if (settings?.caChainFile != null) {
    const path = [...settings.at, 'cacert_chain_file'];
    return reader.ofFile('authority', settings.caChainFile, path, settingsUnit);
  }
  return pair?.root == null ? null : { value: pair.root, findings: [] };
}

function revocationMaterial(
  { settings, settingsUnit, refer }: ContextDraft,
  reader: MaterialReader,
): Material<string> | null {
  if (settings?.crlSecret == null) return null;
  return reader.ofSecret('revocations', refer(settings.crlSecret, 'crl_secret'), settingsUnit);
}

function unknownAlgorithm(
  ciphers: readonly string[],
  curves: readonly string[],
  checker: CertificateChecker,
): { field: string; name: string } | null {
  const cipher = ciphers.length === 0 ? null : checker.unknownCipher(ciphers);
  if (cipher !== null) return { field: 'cipher_suites', name: cipher };
  const curve = curves.length === 0 ? null : checker.unknownCurve(curves);
  return curve === null ? null : { field: 'ecdh_curves', name: curve };
}

function nameFindings({ hostnames, unit, hostnamesAt }: ContextDraft, pair: CheckedPair) {
  return hostnames
    .filter((hostname) => !isCovered(hostname, pair.names))
    .map((hostname) => {
      const names = pair.names.length === 0 ? 'no name at all' : pair.names.join(', ');
      const values = { place: pair.place, names, hostname };
      return [unit, finding('certificate-names', hostnamesAt, values)] as const;
    });
}

/** True if a certificate for `names` serves a hostname; of `*` and `prefix.*` nobody can say. RFC 9525 6.3. */
function isCovered(hostname: string, names: readonly string[]): boolean {
  if (hostname === '*' || hostname.endsWith('*')) return true;
  const parent = hostname.slice(hostname.indexOf('.'));
  return names.some((name) => {
    const lower = name.toLowerCase();
    return lower === hostname || (!hostname.startsWith('*') && lower === `*${parent}`);
  });
}
