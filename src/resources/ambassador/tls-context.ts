import type { ValuePath } from '../../lib/position.ts';
import { isMap } from '../field-types.ts';
import { type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding, isError } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import { type ShapedObject, text } from './shape.ts';
import { readTlsSettings, type TlsSettings, tlsSettingsFields } from './tls-settings.ts';

/** A TLSContext: how TLS is terminated for some hosts, or spoken to the upstreams of Mappings that name it. */
export interface TlsContextResource {
  readonly kind: 'TLSContext';
  readonly meta: ObjectMeta;
  readonly hosts: readonly string[];
  /** Name of the Secret with the certificate, as it was written. */
  readonly secret: string | null;
  /** Whether a dot in the name of a Secret leads to another namespace; null = the Module's word, else yes. */
  readonly secretNamespacing: boolean | null;
  readonly settings: TlsSettings;
}

/** The Module `tls`, and `tls` of the Module `ambassador`: how TLS was configured before TLSContexts. */
export interface TlsModule {
  readonly kind: 'TlsModule';
  readonly meta: ObjectMeta;
  readonly contexts: readonly TlsContextResource[];
}

/** Fields of TLSContext. Source: emissary-ingress 4.1, crd_tlscontext.go (v1 to v3alpha1). */
const fields: FieldTable = {
  ambassador_id: { type: ['stringOrList', 'stringOrList', 'stringOrList', 'stringList'] },
  ambassadorId: { type: 'any', aliasOf: 'ambassador_id' },
  hosts: { type: 'stringList' },
  secret: { type: 'string' },
  secret_namespacing: { type: 'boolean' },
  ...tlsSettingsFields,
};

/** Reads a TLSContext. */
export function parseTlsContext(object: ShapedObject): {
  resource: TlsContextResource | null;
  findings: Finding[];
} {
  const { version, meta, pathOf } = object;
  const { values, findings } = readFields(object.fields, fields, { kind: 'TLSContext', version, pathOf });
  const written = Object.keys(object.fields)[0] ?? 'hosts';
  const at = pathOf(written).slice(0, -1);
  const read = readTlsSettings(values, at);
  findings.push(...read.findings);
  const secret = text(values.secret);
  if (secret !== null && read.settings.certChainFile !== null) {
    const values = { field: 'cert_chain_file', reason: 'the certificate is in "secret" already' };
    findings.push(
      finding('invalid-value', [...at, 'cert_chain_file'], { ...values, remedy: 'remove one of them' }),
    );
  }
  if (findings.some(isError)) return { resource: null, findings };
  const hosts = Array.isArray(values.hosts) ? values.hosts.map(String) : [];
  const secretNamespacing = typeof values.secret_namespacing === 'boolean' ? values.secret_namespacing : null;
  const { settings } = read;
  return {
    resource: { kind: 'TLSContext', meta, hosts, secret, secretNamespacing, settings },
    findings,
  };
}

/**
 * Reads the contexts of a Module, whose block stands at `at`. `server` terminates TLS for all hosts, `client` says
 * which clients' certificates are believed, every other block is a context that Mappings can name.
 * Source: emissary-ingress 4.1, irtls.py and IRTLSContext.from_legacy.
 */
export function readTlsModule(
  config: Readonly<Record<string, unknown>>,
  meta: ObjectMeta,
  at: ValuePath,
): { resource: TlsModule; findings: Finding[] } {
  const findings: Finding[] = [];
  const contexts: TlsContextResource[] = [];
  const client = isMap(config.client) && isOn(config.client) ? config.client : null;
  for (const name in config) {
    const block = config[name];
    if (name === 'client' || !isMap(block) || !isOn(block)) continue;
    const isServer = name === 'server';
    const authority = isServer && client !== null ? authorityOf(client) : {};
    const read = readTlsSettings({ ...block, ...authority }, [...at, name]);
    findings.push(...read.findings);
    const secret = text(block.secret) ?? (read.settings.certChainFile === null ? 'ambassador-certs' : null);
    contexts.push({
      kind: 'TLSContext',
      meta: { ...meta, name },
      hosts: isServer ? ['*'] : [],
      secret,
      secretNamespacing: null,
      settings: read.settings,
    });
  }
  return { resource: { kind: 'TlsModule', meta, contexts }, findings };
}

function isOn(block: Readonly<Record<string, unknown>>): boolean {
  return block.enabled !== false;
}

function authorityOf(client: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const file = text(client.cacert_chain_file);
  return {
    cert_required: client.cert_required === true,
    cacert_chain_file: file,
    ca_secret: text(client.secret) ?? (file === null ? 'ambassador-cacert' : null),
  };
}
