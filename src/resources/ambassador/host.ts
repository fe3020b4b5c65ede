import type { ValuePath } from '../../lib/position.ts';
import type { InsecureAction } from '../../model/snapshot.ts';
import { isMap } from '../field-types.ts';
import { type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding, isError } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import { type ShapedObject, text, textMap } from './shape.ts';
import { readInlineSettings, type TlsSettings } from './tls-settings.ts';

/** A Host: a hostname that is served, and which Mappings belong to it. */
export interface Host {
  readonly kind: 'Host';
  readonly meta: ObjectMeta;
  /** Exact, a glob with a star at one end, or `*`. */
  readonly hostname: string;
  /** Labels that a Mapping must have, all of them; null = no selector. */
  readonly selector: Readonly<Record<string, string>> | null;
  readonly insecureAction: InsecureAction;
  /** Null where it says nothing of TLS. */
  readonly tls: HostTls | null;
}

/** What a Host says of TLS: a Secret, and a TLSContext or settings of its own. */
export interface HostTls {
  /** Where its fields stand in their document. */
  readonly at: ValuePath;
  /** The Secret with the certificate; a dot in its name means nothing. Namespace null = the Host's. */
  readonly secret: { readonly name: string; readonly namespace: string | null } | null;
  /** Name of a TLSContext. */
  readonly context: string | null;
  readonly settings: TlsSettings | null;
}

/** Fields of Host. Source: emissary-ingress 4.1, v2 and v3alpha1 host_types.go. */
const hostFields: FieldTable = {
  ambassador_id: { type: ['stringOrList', 'stringOrList', 'stringOrList', 'stringList'] },
  ambassadorId: { type: 'any', aliasOf: 'ambassador_id' },
  hostname: { type: 'string' },
  mappingSelector: { type: 'map' },
  selector: { type: 'map' },
  requestPolicy: { type: 'map' },
  acmeProvider: { type: 'map' },
  tlsSecret: { type: 'map' },
  tlsContext: { type: 'map' },
  tls: { type: 'map' },
  previewUrl: { type: 'map', served: 'no' },
};

const actions: Readonly<Record<string, InsecureAction>> = {
  Redirect: 'redirect',
  Route: 'route',
  Reject: 'reject',
};

/** Reads a Host. The insecure action is Redirect where none is written. */
export function parseHost(object: ShapedObject): { resource: Host | null; findings: Finding[] } {
  const { version, meta, pathOf } = object;
  const { values, findings } = readFields(object.fields, hostFields, { kind: 'Host', version, pathOf });
  const policy = isMap(values.requestPolicy) ? values.requestPolicy : {};
  const insecure = isMap(policy.insecure) ? policy.insecure : {};
  const word = insecure.action ?? 'Redirect';
  const insecureAction = actions[String(word)];
  if (insecureAction === undefined) {
    const path = [...pathOf('requestPolicy'), 'insecure', 'action'];
    const reason = `"${String(word)}" is not an action`;
    findings.push(
      finding('invalid-value', path, {
        field: 'insecure.action',
        reason,
        remedy: 'write Redirect, Route or Reject',
      }),
    );
  }
  if (typeof insecure.additionalPort === 'number') {
    const path = [...pathOf('requestPolicy'), 'insecure', 'additionalPort'];
    findings.push(finding('field-not-served', path, { field: 'insecure.additionalPort' }));
  }
  const acme = isMap(values.acmeProvider) ? values.acmeProvider : null;
  if (acme !== null && String(acme.authority ?? '').toLowerCase() !== 'none')
    findings.push(finding('acme-not-served', pathOf('acmeProvider')));
  const tls = readHostTls(values, object, findings);
  if (findings.some(isError) || insecureAction === undefined) return { resource: null, findings };
  const selector = readSelector(values.mappingSelector ?? values.selector);
  const hostname = typeof values.hostname === 'string' && values.hostname !== '' ? values.hostname : '*';
  return { resource: { kind: 'Host', meta, hostname, selector, insecureAction, tls }, findings };
}

function readHostTls(
  values: Readonly<Record<string, unknown>>,
  { version, pathOf }: ShapedObject,
  findings: Finding[],
): HostTls | null {
  const reference = isMap(values.tlsSecret) ? values.tlsSecret : {};
  const name = text(reference.name);
  const secret = name === null ? null : { name, namespace: text(reference.namespace) };
  const context = isMap(values.tlsContext) ? text(values.tlsContext.name) : null;
  const inline = isMap(values.tls) ? readInlineSettings(values.tls, version, pathOf('tls')) : null;
  findings.push(...(inline?.findings ?? []));
  if (context !== null && inline !== null) {
    const values = { field: 'tls', reason: 'tlsContext is there as well', remedy: 'remove one of them' };
    findings.push(finding('invalid-value', pathOf('tls'), values));
  }
  if (secret === null && context === null && inline === null) return null;
  const at = pathOf(secret !== null ? 'tlsSecret' : context !== null ? 'tlsContext' : 'tls').slice(0, -1);
  return { at, secret, context, settings: inline?.settings ?? null };
}

/** Labels of a selector (matchLabels); null where nothing is selected by labels. */
export function readSelector(value: unknown): Readonly<Record<string, string>> | null {
  if (!isMap(value)) return null;
  const labels = textMap(value.matchLabels);
  return Object.keys(labels).length === 0 ? null : labels;
}

/** True if an object with `labels` has every label of the selector. */
export function selects(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  for (const key in selector) if (labels[key] !== selector[key]) return false;
  return true;
}
