import { parseCidr } from '../../lib/cidr.ts';
import { editDistance } from '../../lib/edit-distance.ts';
import type { ValuePath } from '../../lib/position.ts';
import type { AddressRules } from '../../model/http-settings.ts';
import { describe, isMap } from '../field-types.ts';
import { type Finding, finding } from '../issue.ts';
import type { Recovered } from '../resource.ts';
import type { ShapedObject } from './shape.ts';

type Values = Readonly<Record<string, unknown>>;

/** Fields of the Module that say who may call. */
const names = ['ip_allow', 'ip_deny'] as const;

/** The field that a key of `config` is, or looks like: a typo must not open a door. */
function meantBy(key: string): (typeof names)[number] | undefined {
  return names.find((name) => editDistance(key, name, 2) <= 2);
}

/** An error for a key of `config` that looks like ip_allow or ip_deny and is neither; null for all others. */
export function misspeltAddressField(key: string, path: ValuePath): Finding | null {
  const nearest = meantBy(key);
  if (nearest === undefined || nearest === key) return null;
  return finding('unknown-weight-field', path, { field: `config.${key}`, kind: 'a Module', nearest });
}

/** Errors for rules that nobody would read: in another Module, or in another place of this one. */
export function misplacedAddressFields({ meta, fields, pathOf }: ShapedObject): Finding[] {
  const own = meta.name === 'ambassador';
  const remedy = 'write them directly under config of the Module "ambassador", or take them out';
  return addressKeys(fields)
    .filter((path) => !own || path.length !== 2 || path[0] !== 'config')
    .map(([first, ...rest]) => {
      const reason = 'ip_allow and ip_deny are not read here';
      const values = { field: [first, ...rest].join('.'), reason, remedy };
      return finding('invalid-value', [...pathOf(first!), ...rest], values);
    });
}

/** Where ip_allow and ip_deny stand, at whatever depth; under config also what looks like them. */
function addressKeys(map: Values, at: readonly string[] = []): string[][] {
  const isConfig = at.length === 1 && at[0] === 'config';
  return Object.entries(map).flatMap(([key, value]) => {
    const path = [...at, key];
    if (isConfig ? meantBy(key) !== undefined : (names as readonly string[]).includes(key)) return [path];
    return isMap(value) ? addressKeys(value, path) : [];
  });
}

/** What is left of a broken Module: where it should have said who may call, nobody may. */
export function recoverModule({ fields }: ShapedObject): Recovered | null {
  return addressKeys(fields).length > 0 ? { kind: 'AddressRules' } : null;
}

/**
 * The same of a document that is no YAML, by its text.
 * @param kind as it could be read: only of some kinds it may be, or have in it, a Module. Null = it could not.
 */
export function recoverModuleText(text: string, kind: string | null): Recovered | null {
  const mayBe = kind === null || carriers.has(kind) || editDistance(kind, 'Module', 2) <= 2;
  return mayBe && /^[^#\n]*\bip_(?:allow|deny)\b/m.test(text) ? { kind: 'AddressRules' } : null;
}

/** Kinds that can have a Module in them. */
const carriers: ReadonlySet<string> = new Set(['Service', 'Ingress', 'List', 'ServiceList', 'ModuleList']);

/**
 * Reads ip_allow and ip_deny: lists of `peer` or `remote` with an address or a range (CIDR). Null = neither is written.
 * @param at where `config` stands. That they are lists is checked already.
 */
export function readAddressRules(
  config: Values,
  at: ValuePath,
): { rules: AddressRules | null; findings: Finding[] } {
  const findings: Finding[] = [];
  const wrong = (path: ValuePath, field: string, reason: string, remedy: string): void => {
    findings.push(finding('invalid-value', [...at, ...path], { field: `config.${field}`, reason, remedy }));
  };
  const [allow, deny] = names.map((name) => config[name]);
  const isEmpty = allow === null || (Array.isArray(allow) && allow.length === 0);
  if (isEmpty) {
    const remedy = 'name an address, or remove it so that everybody may';
    wrong(['ip_allow'], 'ip_allow', 'it names no address, so nobody might call', remedy);
  }
  const name = Array.isArray(allow) ? 'ip_allow' : 'ip_deny';
  const list = Array.isArray(allow) ? allow : deny;
  if (Array.isArray(allow) && Array.isArray(deny)) {
    wrong(['ip_deny'], 'ip_deny', 'ip_allow and ip_deny may not both be set', 'remove one of them');
  }
  if (!Array.isArray(list)) return { rules: null, findings };
  const ranges: Record<string, string[]> = { peer: [], remote: [] };
  const remedy = 'write peer: or remote: and an address or range, such as remote: 192.0.2.0/24';
  for (const [index, item] of list.entries()) {
    const field = `${name}[${index}]`;
    const entries = isMap(item) ? Object.entries(item) : [];
    const [entry] = entries;
    if (entry === undefined) wrong([name, index], field, `here is ${describe(item)}`, remedy);
    else if (entries.length > 1)
      wrong([name, index], field, 'it has several keys', 'put - in front of each of them');
    else if (ranges[entry[0]] === undefined)
      wrong([name, index, entry[0]], field, `"${entry[0]}" is neither peer nor remote`, remedy);
    else if (typeof entry[1] !== 'string')
      wrong([name, index, entry[0]], field, `here is ${describe(entry[1])}`, remedy);
    else {
      const range = parseCidr(entry[1]);
      if (typeof range === 'string') wrong([name, index, entry[0]], field, range, remedy);
      else ranges[entry[0]]!.push(entry[1]);
    }
  }
  const action = name === 'ip_allow' ? 'allow' : 'deny';
  if (findings.length > 0 || list.length === 0) return { rules: null, findings };
  return { rules: { action, peer: ranges.peer!, remote: ranges.remote! }, findings };
}
