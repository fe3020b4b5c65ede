import type { ValuePath } from '../../lib/position.ts';
import type { AlpnProtocol, TlsVersion } from '../../model/tls.ts';
import { type ApiVersion, type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding } from '../issue.ts';
import { text } from './shape.ts';

/** What a TLSContext, a Host's `tls` and a block of the Module `tls` have in common. */
export interface TlsSettings {
  /** Where the fields stand in their document. */
  readonly at: ValuePath;
  readonly certChainFile: string | null;
  readonly privateKeyFile: string | null;
  /** Name of a Secret, as it was written. */
  readonly caSecret: string | null;
  readonly caChainFile: string | null;
  readonly crlSecret: string | null;
  /** Null = not written. */
  readonly alpn: readonly AlpnProtocol[] | null;
  readonly certRequired: boolean;
  readonly minVersion: TlsVersion | null;
  readonly maxVersion: TlsVersion | null;
  readonly cipherSuites: readonly string[];
  readonly ecdhCurves: readonly string[];
  readonly sni: string | null;
  /** True where cleartext requests are to be redirected to https (versions before Hosts). */
  readonly redirectsCleartext: boolean;
}

/** Fields of all of them. Source: emissary-ingress 4.1, crd_tlscontext.go and crd_host.go (v1 to v3alpha1). */
export const tlsSettingsFields: FieldTable = {
  cert_chain_file: { type: 'string' },
  private_key_file: { type: 'string' },
  ca_secret: { type: 'string' },
  cacert_chain_file: { type: 'string' },
  crl_secret: { type: 'string' },
  v3CRLSecret: { type: 'string', aliasOf: 'crl_secret' },
  alpn_protocols: { type: 'string' },
  cert_required: { type: 'boolean' },
  min_tls_version: { type: 'string' },
  max_tls_version: { type: 'string' },
  cipher_suites: { type: 'stringList' },
  ecdh_curves: { type: 'stringList' },
  sni: { type: 'string' },
  redirect_cleartext_from: { type: 'port' },
};

/** Spellings in a Host's `tls`, which takes both. Source: irhost.py. */
const camelCase: FieldTable = {
  certChainFile: { type: 'string', aliasOf: 'cert_chain_file' },
  privateKeyFile: { type: 'string', aliasOf: 'private_key_file' },
  caSecret: { type: 'string', aliasOf: 'ca_secret' },
  cacertChainFile: { type: 'string', aliasOf: 'cacert_chain_file' },
  crlSecret: { type: 'string', aliasOf: 'crl_secret' },
  alpnProtocols: { type: 'string', aliasOf: 'alpn_protocols' },
  certRequired: { type: 'boolean', aliasOf: 'cert_required' },
  minTlsVersion: { type: 'string', aliasOf: 'min_tls_version' },
  maxTlsVersion: { type: 'string', aliasOf: 'max_tls_version' },
  cipherSuites: { type: 'stringList', aliasOf: 'cipher_suites' },
  ecdhCurves: { type: 'stringList', aliasOf: 'ecdh_curves' },
  redirectCleartextFrom: { type: 'port', aliasOf: 'redirect_cleartext_from' },
};

/** Reads the block `tls` of a Host, which stands at `at`. */
export function readInlineSettings(
  block: Readonly<Record<string, unknown>>,
  version: ApiVersion,
  at: ValuePath,
): { settings: TlsSettings; findings: Finding[] } {
  const { values, findings } = readFields(
    block,
    { ...tlsSettingsFields, ...camelCase },
    { kind: 'Host.tls', version, pathOf: (field) => [...at, field] },
  );
  const read = readTlsSettings(values, at);
  return { settings: read.settings, findings: [...findings, ...read.findings] };
}

/** Makes settings of fields whose types are right. */
export function readTlsSettings(
  values: Readonly<Record<string, unknown>>,
  at: ValuePath,
): { settings: TlsSettings; findings: Finding[] } {
  const findings: Finding[] = [];
  const certChainFile = text(values.cert_chain_file);
  const privateKeyFile = text(values.private_key_file);
  if (certChainFile !== null && privateKeyFile === null) {
    findings.push(
      finding('missing-field', at, { field: 'private_key_file', example: 'the path of its private key' }),
    );
  }
  const { minVersion, maxVersion } = readVersions(values, at, findings);
  const settings: TlsSettings = {
    at,
    certChainFile,
    privateKeyFile,
    caSecret: text(values.ca_secret),
    caChainFile: text(values.cacert_chain_file),
    crlSecret: text(values.crl_secret),
    alpn: readAlpn(values.alpn_protocols, at, findings),
    certRequired: values.cert_required === true,
    minVersion,
    maxVersion,
    cipherSuites: readCiphers(values.cipher_suites),
    ecdhCurves: Array.isArray(values.ecdh_curves) ? values.ecdh_curves.map(String) : [],
    sni: text(values.sni),
    redirectsCleartext: typeof values.redirect_cleartext_from === 'number',
  };
  return { settings, findings };
}

const versions = ['v1.0', 'v1.1', 'v1.2', 'v1.3'];

function readVersions(
  values: Readonly<Record<string, unknown>>,
  at: ValuePath,
  findings: Finding[],
): { minVersion: TlsVersion | null; maxVersion: TlsVersion | null } {
  const wrong = (field: string, reason: string): void => {
    const remedy = 'write v1.2 or v1.3';
    findings.push(finding('invalid-value', [...at, field], { field, reason, remedy }));
  };
  const read = (field: 'min_tls_version' | 'max_tls_version'): TlsVersion | null => {
    const written = text(values[field]);
    if (written === null) return null;
    if (!versions.includes(written)) wrong(field, `"${written}" is not a version of TLS`);
    else if (written >= 'v1.2') return written === 'v1.2' ? 'TLSv1.2' : 'TLSv1.3';
    // Whoever allows an old version loses it; whoever allows nothing else has nothing left.
    else if (field === 'max_tls_version') wrong(field, `TLS before 1.2 is not spoken, so none is left`);
    else findings.push(finding('tls-version-old', [...at, field], { field, version: written }));
    return null;
  };
  const minVersion = read('min_tls_version');
  const maxVersion = read('max_tls_version');
  if (minVersion === 'TLSv1.3' && maxVersion === 'TLSv1.2')
    wrong('max_tls_version', 'it is below min_tls_version');
  return { minVersion, maxVersion };
}

function readAlpn(value: unknown, at: ValuePath, findings: Finding[]): readonly AlpnProtocol[] | null {
  const written = text(value);
  if (written === null) return null;
  const protocols: AlpnProtocol[] = [];
  for (const name of written.split(',').map((part) => part.trim())) {
    if (name === 'h2' || name === 'http/1.1') protocols.push(name);
    else if (name !== '')
      findings.push(finding('alpn-ignored', [...at, 'alpn_protocols'], { protocol: name }));
  }
  return protocols.length === 0 ? null : protocols;
}

/** Envoy's groups of equal preference, `[A|B]`, become A, B. */
function readCiphers(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value
    .flatMap((item) =>
      String(item)
        .replace(/^\[|\]$/g, '')
        .split('|'),
    )
    .map((name) => name.trim());
}
