import { nearest } from '../lib/edit-distance.ts';
import { readAmbassadorId } from './ambassador/ambassador-id.ts';
import { ambassadorKinds, guardKinds } from './ambassador/kinds.ts';
import { recoverModule } from './ambassador/module-addresses.ts';
import { recoverMapping, recoverTcpMapping } from './ambassador/recover-mapping.ts';
import { type Carrier, shapeObject } from './ambassador/shape.ts';
import { apiVersionOf } from './api-version.ts';
import type { ReadContext } from './context.ts';
import { environmentFindings } from './environment.ts';
import { type Finding, finding, isError } from './issue.ts';
import { kubernetesGroups, kubernetesKinds, readMeta } from './kubernetes/kinds.ts';
import type { ObjectMeta, ReadObject, Recovered, Resource } from './resource.ts';
import { parseCanary } from './serin/canary.ts';
import type { Locator } from './yaml/locate.ts';

type Raw = Readonly<Record<string, unknown>>;

/** The only version of Serin's own kinds. */
const SERIN_VERSION = 'serin.dev/v1alpha1';

/** Reads one object: which kind it is, then its fields. Null: a kind that is nobody's business here. */
export function readObject(
  object: Raw,
  carrier: Carrier | null,
  locator: Locator,
  context: ReadContext,
): ReadObject | null {
  const { apiVersion, kind } = object;
  const version = apiVersionOf(
    apiVersion,
    carrier !== null || (typeof kind === 'string' && Object.hasOwn(ambassadorKinds, kind)),
  );
  if (version.kind === 'other') return carrier === null ? readOther(object, locator) : null;
  const shaped = shapeObject(object, version.kind === 'known' ? version.version : 2, carrier);
  const { meta } = shaped;
  const { name, namespace } = meta;
  const kindName = typeof kind === 'string' ? kind : null;
  const base = {
    identity: name === '' || kindName === null ? null : `${kindName}/${namespace}/${name}`,
    label: name === '' ? null : `${kindName ?? 'object'} ${name}.${namespace}`,
    locator,
  };
  const id = readAmbassadorId(shaped.fields, shaped.version, context.ambassadorIds);
  if (id === 'others')
    return { ...base, resource: null, broken: false, recovered: null, findings: [], skipped: true };
  const broken = (findings: readonly Finding[]): ReadObject => ({
    ...base,
    resource: null,
    broken: true,
    recovered: recover(kindName, shaped),
    findings,
    skipped: false,
  });
  if (version.kind === 'wrong') return broken([previewKind(version.finding, kindName)]);
  if (kindName === null) return broken([finding('missing-kind', kind === undefined ? [] : ['kind'])]);
  if (!Object.hasOwn(ambassadorKinds, kindName)) {
    const known = Object.keys(ambassadorKinds);
    const values = {
      kind: kindName,
      version: String(apiVersion),
      nearest: nearest(kindName, known) ?? 'Mapping',
    };
    return broken([finding('unknown-kind', ['kind'], values)]);
  }
  const parsed = ambassadorKinds[kindName as keyof typeof ambassadorKinds](shaped);
  const findings = [...parsed.findings, ...environmentFindings(shaped, context.environment)];
  if (name === '') findings.unshift(missingName(object, kindName));
  if (findings.some(isError)) return broken(findings);
  return { ...base, resource: parsed.resource, broken: false, recovered: null, findings, skipped: false };
}

/** The 2.0 preview's name of Mapping goes with its group: one remedy names both. */
function previewKind(found: Finding, kind: string | null): Finding {
  if (kind === null || !kind.startsWith('Ambassador')) return found;
  return {
    ...found,
    values: {
      ...found.values,
      nearest: `getambassador.io/v3alpha1, with kind: ${kind.slice('Ambassador'.length)}`,
    },
  };
}

function missingName(object: Raw, kind: string): Finding {
  const written = object.name;
  if (typeof written === 'number' || typeof written === 'boolean') {
    const values = {
      field: 'name',
      expected: 'text',
      found: `the ${typeof written} ${written}`,
      remedy: `put it in quotes: name: "${written}"`,
    };
    return finding('wrong-type', ['name'], values);
  }
  return finding('missing-name', [], { kind });
}

/** A misspelt or missing kind is taken for the nearest: a typo must neither open a door nor move traffic. */
function recover(kind: string | null, shaped: ReturnType<typeof shapeObject>): Recovered | null {
  const known = Object.keys(ambassadorKinds);
  const meant =
    kind === null ? 'Mapping' : known.includes(kind) ? kind : nearest(kind.replace(/^Ambassador/, ''), known);
  if (meant === 'Mapping') return recoverMapping(shaped);
  if (meant === 'TCPMapping') return recoverTcpMapping(shaped);
  if (meant === 'Module') return recoverModule(shaped);
  return meant !== null && guardKinds.includes(meant) ? { kind: 'Guard', guardKind: meant } : null;
}

/** An object of Kubernetes itself, or of Serin's own kind. */
function readOther(object: Raw, locator: Locator): ReadObject | null {
  const { apiVersion, kind } = object;
  if (typeof kind !== 'string') return null;
  const written = typeof apiVersion === 'string' ? apiVersion : '';
  const group = written.includes('/') ? written.slice(0, written.indexOf('/')) : '';
  if (group === 'serin.dev') return readSerin(object, kind, written, locator);
  if (!Object.hasOwn(kubernetesKinds, kind)) return null;
  const known = kind as keyof typeof kubernetesKinds;
  if (group !== kubernetesGroups[known] && !(known === 'ReplicaSet' && group === 'extensions')) return null;
  return finish(object, kind, locator, kubernetesKinds[known]);
}

function readSerin(object: Raw, kind: string, apiVersion: string, locator: Locator): ReadObject {
  return finish(object, kind, locator, (raw, meta) => {
    if (kind !== 'Canary') {
      const found = finding('unknown-kind', ['kind'], { kind, version: apiVersion, nearest: 'Canary' });
      return { resource: null, findings: [found] };
    }
    if (apiVersion !== SERIN_VERSION) {
      const found = finding('unknown-api-version', ['apiVersion'], {
        version: apiVersion,
        nearest: SERIN_VERSION,
      });
      return { resource: null, findings: [found] };
    }
    return parseCanary(raw, meta);
  });
}

function finish(
  object: Raw,
  kind: string,
  locator: Locator,
  parse: (
    object: Raw,
    meta: ObjectMeta,
  ) => { readonly resource: Resource | null; readonly findings: readonly Finding[] },
): ReadObject {
  const meta = readMeta(object);
  if (meta.name === '') {
    const findings = [finding('missing-name', [], { kind })];
    return {
      identity: null,
      label: kind,
      resource: null,
      broken: true,
      recovered: null,
      findings,
      locator,
      skipped: false,
    };
  }
  const { resource, findings } = parse(object, meta);
  const broken = findings.some(isError);
  return {
    identity: `${kind}/${meta.namespace}/${meta.name}`,
    label: `${kind} ${meta.name}.${meta.namespace}`,
    resource: broken ? null : resource,
    broken,
    recovered: null,
    findings,
    locator,
    skipped: false,
  };
}
