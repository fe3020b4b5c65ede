import type { InsecureAction } from '../../model/snapshot.ts';
import { isMap } from '../field-types.ts';
import { type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding, isError } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import { type ShapedObject, textMap } from './shape.ts';

/** A Host: a hostname that is served, and which Mappings belong to it. */
export interface Host {
  readonly kind: 'Host';
  readonly meta: ObjectMeta;
  /** Exact, a glob with a star at one end, or `*`. */
  readonly hostname: string;
  /** Labels that a Mapping must have, all of them; null = no selector. */
  readonly selector: Readonly<Record<string, string>> | null;
  readonly insecureAction: InsecureAction;
  /** True where a client certificate is demanded, which is not served yet. */
  readonly certRequired: boolean;
}

/** Fields of Host. Source: emissary-ingress 4.1, v2 and v3alpha1 host_types.go. */
const hostFields: FieldTable = {
  ambassador_id: { type: ['stringOrList', 'stringOrList', 'stringOrList', 'stringList'] },
  ambassadorId: { type: 'any', aliasOf: 'ambassador_id' },
  hostname: { type: 'string' },
  mappingSelector: { type: 'map' },
  selector: { type: 'map' },
  requestPolicy: { type: 'map' },
  acmeProvider: { type: 'map', served: 'quiet' },
  tlsSecret: { type: 'map', served: 'no' },
  tlsContext: { type: 'map', served: 'no' },
  tls: { type: 'map', served: 'no' },
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
  if (findings.some(isError) || insecureAction === undefined) return { resource: null, findings };
  const selector = readSelector(values.mappingSelector ?? values.selector);
  const tls = isMap(values.tls) ? values.tls : {};
  const certRequired = tls.cert_required === true || tls.certRequired === true;
  const hostname = typeof values.hostname === 'string' && values.hostname !== '' ? values.hostname : '*';
  return { resource: { kind: 'Host', meta, hostname, selector, insecureAction, certRequired }, findings };
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
