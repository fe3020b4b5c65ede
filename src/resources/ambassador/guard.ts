import { isMap } from '../field-types.ts';
import type { Finding } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import type { ShapedObject } from './shape.ts';

/** Which requests a guard is for. Both are globs with `*` anywhere. */
export interface GuardedPart {
  readonly host: string;
  readonly path: string;
}

/** Something that should let requests through or not, and is not served yet: what it guards is closed. */
export interface Guard {
  readonly kind: 'Guard';
  readonly guardKind: string;
  readonly meta: ObjectMeta;
  readonly parts: readonly GuardedPart[];
}

const everything: readonly GuardedPart[] = [{ host: '*', path: '*' }];

/** An AuthService guards every route that has no bypass_auth. Its fields do not matter before it is served. */
export function parseAuthService(object: ShapedObject): { resource: Guard; findings: Finding[] } {
  return guard(object, everything);
}

/** A FilterPolicy (Edge Stack) guards the hosts and paths of its rules; a rule without filters opens them. */
export function parseFilterPolicy(object: ShapedObject): { resource: Guard; findings: Finding[] } {
  const rules = Array.isArray(object.fields.rules) ? object.fields.rules : null;
  if (rules === null) return guard(object, everything);
  const parts: GuardedPart[] = [];
  for (const rule of rules) {
    if (!isMap(rule)) return guard(object, everything);
    if (!Array.isArray(rule.filters) || rule.filters.length === 0) continue;
    parts.push({ host: String(rule.host ?? '*'), path: String(rule.path ?? '*') });
  }
  return guard(object, parts);
}

function guard(
  object: ShapedObject,
  parts: readonly GuardedPart[],
): { resource: Guard; findings: Finding[] } {
  return { resource: { kind: 'Guard', guardKind: object.kind, meta: object.meta, parts }, findings: [] };
}
