import type { ValuePath } from '../../lib/position.ts';
import { parseService, qualifyHost } from '../ambassador/service-address.ts';
import { text } from '../ambassador/shape.ts';
import { isMap } from '../field-types.ts';
import { type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding, isError } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';

/** What a Canary divides: a Service by the labels of its pods, or a group of Mappings by the weight of one of them. */
export type CanaryTarget =
  | {
      readonly kind: 'service';
      /** `name.namespace`. */
      readonly service: string;
      /** Null = all ports. */
      readonly port: number | null;
      readonly versionLabel: string;
      readonly stable: string;
      readonly canary: string;
    }
  | {
      readonly kind: 'mapping';
      /** `name.namespace` of the canary's Mapping. */
      readonly mapping: string;
    };

/** How calls of one client stay with one version. */
export interface CanarySticky {
  readonly kind: 'header' | 'cookie';
  readonly name: string;
  /** Of the cookie, in seconds; 0 = until the browser ends. */
  readonly maxAgeS: number;
  /** Names what is hashed along with the key, so that several Canaries can divide clients alike; null = the Canary's name. */
  readonly seed: string | null;
}

/** What was set by a command, in place of the written weight. */
export interface CanaryOverlay {
  /** Percent. */
  readonly weight: number;
  readonly state: OverlayState;
  /** The release that it was set for; it counts for no other. */
  readonly revision: string;
  readonly by: string;
  /** RFC 3339. */
  readonly at: string;
  /** Of `aborted`: so many seconds behind `at` the canary's running calls are ended; absent = they finish. */
  readonly endStreamsS?: number;
}

/** `set`: by set-weight. `promoted` is weight 100, `aborted` weight 0; `paused` holds the weight of that moment. */
export type OverlayState = 'set' | 'paused' | 'promoted' | 'aborted';

/** Serin's own kind: a canary with a weight of its own, whatever the number of replicas. */
export interface Canary {
  readonly kind: 'Canary';
  readonly meta: ObjectMeta;
  readonly generation: number;
  readonly target: CanaryTarget;
  /** Percent that the canary gets, with up to four decimals. */
  readonly weight: number;
  /** What becomes of the share of a version without an endpoint. */
  readonly onEmpty: 'stable' | 'fail';
  readonly sticky: CanarySticky | null;
  /** status.overlay of an object of a cluster. */
  readonly overlay: CanaryOverlay | null;
}

const fields: FieldTable = {
  service: { type: 'string' },
  mapping: { type: 'string' },
  versionLabel: { type: 'string' },
  stable: { type: 'string' },
  canary: { type: 'string' },
  weight: { type: 'weight', required: '20' },
  onEmpty: { type: 'string' },
  sticky: { type: 'map' },
};
const stickyFields: FieldTable = {
  header: { type: 'string' },
  cookie: { type: 'string' },
  maxAge: { type: 'string' },
  seed: { type: 'string' },
};
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const states: readonly string[] = ['set', 'paused', 'promoted', 'aborted'] satisfies OverlayState[];

/** Reads a Canary (serin.dev/v1alpha1); null where an error leaves it out. */
export function parseCanary(
  object: Readonly<Record<string, unknown>>,
  meta: ObjectMeta,
): { resource: Canary | null; findings: Finding[] } {
  const spec = isMap(object.spec) ? object.spec : {};
  const pathOf = (field: string): ValuePath => ['spec', field];
  const context = { kind: 'Canary', version: 3 as const, guarded: ['weight'], pathOf };
  const { values, findings } = readFields(spec, fields, context);
  const add = (field: string, reason: string, remedy: string): void => {
    findings.push(finding('invalid-value', pathOf(field), { field, reason, remedy }));
  };
  const weight = Number(values.weight ?? 0);
  if (weight > 100) add('weight', `${weight} is more than 100 %`, 'write 0 to 100');
  else if (Math.abs(weight * 10_000 - Math.round(weight * 10_000)) > 1e-6)
    add('weight', `${weight} has more than four decimals`, `write ${weight.toFixed(4)}`);
  const onEmpty = values.onEmpty ?? 'stable';
  if (onEmpty !== 'stable' && onEmpty !== 'fail')
    add('onEmpty', `"${String(onEmpty)}" is neither`, 'write stable or fail');
  const target = readTarget(values, meta.namespace, add);
  const sticky = readSticky(values.sticky, findings, add);
  if (target === null || findings.some(isError)) return { resource: null, findings };
  const metadata = isMap(object.metadata) ? object.metadata : {};
  const status = isMap(object.status) ? object.status : {};
  const resource: Canary = {
    kind: 'Canary',
    meta,
    generation: Number(metadata.generation ?? 1),
    target,
    weight,
    onEmpty: onEmpty === 'fail' ? 'fail' : 'stable',
    sticky,
    overlay: readOverlay(status.overlay),
  };
  return { resource, findings };
}

type Add = (field: string, reason: string, remedy: string) => void;

function readTarget(
  values: Readonly<Record<string, unknown>>,
  namespace: string,
  add: Add,
): CanaryTarget | null {
  const service = text(values.service);
  const mapping = text(values.mapping);
  if ((service === null) === (mapping === null)) {
    add(
      service === null ? 'service' : 'mapping',
      service === null ? 'neither service nor mapping is written' : 'service and mapping are both written',
      'write service: NAME:PORT to divide a Service by its pods, or mapping: NAME to take over the weight of a Mapping',
    );
    return null;
  }
  if (mapping !== null) {
    for (const field of ['versionLabel', 'stable', 'canary']) {
      if (values[field] !== undefined) add(field, 'it has no meaning beside mapping', 'remove it');
    }
    return { kind: 'mapping', mapping: mapping.includes('.') ? mapping : `${mapping}.${namespace}` };
  }
  const address = parseService(service!);
  if (!('host' in address) || address.scheme !== null || address.path !== null) {
    add('service', `"${service}" is no Service`, 'write NAME, NAME:PORT or NAME.NAMESPACE:PORT');
    return null;
  }
  const [name, space] = qualifyHost(address.host, namespace).split('.');
  const stable = text(values.stable);
  const canary = text(values.canary);
  if (stable === null)
    add('stable', 'it is missing', 'add the value of the version label of production’s pods');
  if (canary === null)
    add('canary', 'it is missing', 'add the value of the version label of the canary’s pods');
  if (stable !== null && stable === canary)
    add('canary', `it is "${canary}", as stable is`, 'give it the other version');
  if (stable === null || canary === null || stable === canary) return null;
  const versionLabel = text(values.versionLabel) ?? 'version';
  return { kind: 'service', service: `${name}.${space}`, port: address.port, versionLabel, stable, canary };
}

function readSticky(value: unknown, findings: Finding[], add: Add): CanarySticky | null {
  if (!isMap(value)) return null;
  const read = readFields(value, stickyFields, {
    kind: 'sticky',
    version: 3,
    pathOf: (field) => ['spec', 'sticky', field],
  });
  findings.push(...read.findings);
  const header = text(read.values.header);
  const cookie = text(read.values.cookie);
  const name = header ?? cookie;
  if (name === null || (header !== null && cookie !== null)) {
    add(
      'sticky',
      'it needs one of header and cookie',
      'write sticky: {cookie: NAME} or sticky: {header: NAME}',
    );
    return null;
  }
  if (!TOKEN.test(name)) {
    add(
      'sticky',
      `"${name}" is no name of a ${header === null ? 'cookie' : 'header'}`,
      'use letters, digits and -',
    );
    return null;
  }
  const age = text(read.values.maxAge);
  const maxAgeS = age === null ? 0 : seconds(age);
  if (maxAgeS === null || (age !== null && header !== null)) {
    add('sticky', `maxAge "${age}" is no length of a cookie's life`, 'write 12h, 30m or 90s, beside cookie');
    return null;
  }
  const kind = header === null ? 'cookie' : 'header';
  return { kind, name: header === null ? name : name.toLowerCase(), maxAgeS, seed: text(read.values.seed) };
}

function seconds(duration: string): number | null {
  const match = /^(\d{1,9})(s|m|h|d)$/.exec(duration);
  if (match === null) return null;
  return Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as 's' | 'm' | 'h' | 'd'];
}

/** An overlay as a status or a state file has it; null where it is none. */
export function readOverlay(value: unknown): CanaryOverlay | null {
  if (!isMap(value)) return null;
  const { weight, state, revision, by, at, endStreamsS } = value;
  if (typeof weight !== 'number' || !(weight >= 0 && weight <= 100)) return null;
  if (typeof state !== 'string' || !states.includes(state) || typeof revision !== 'string') return null;
  const overlay = {
    weight,
    state: state as OverlayState,
    revision,
    by: String(by ?? ''),
    at: String(at ?? ''),
  };
  return typeof endStreamsS === 'number' && endStreamsS >= 0 ? { ...overlay, endStreamsS } : overlay;
}
