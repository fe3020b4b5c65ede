import type { HostMatch, NamedMatch, RouteMatch, StringMatch } from '../../model/match.ts';
import type { PathMatch } from '../../model/path.ts';
import { isMap } from '../field-types.ts';
import type { ApiVersion } from '../fields.ts';

/** The conditions of a Mapping, with what groups and ranks are made of. */
export interface MappingMatch {
  readonly route: RouteMatch;
  /** False for v3alpha1 without hostname and host: it is reached only through a Host that selects it. */
  readonly hostGiven: boolean;
  readonly precedence: number;
  /** Equal for Mappings of one group. */
  readonly key: string;
  /** `name-value` and length of each header matcher in Ambassador's order: headers, regex_headers, host, method. */
  readonly headerRank: RankPart;
  readonly queryRank: RankPart;
}

/** A part of Ambassador's sort key: names with values, and the sum of their lengths. */
export interface RankPart {
  readonly length: number;
  readonly items: readonly string[];
}

/** Reads the conditions from fields of the right types. */
export function readMatch(fields: Readonly<Record<string, unknown>>, version: ApiVersion): MappingMatch {
  const path = readPath(fields);
  const { host, given } = readHost(fields, version);
  const method = readMethod(fields);
  const headers = readNamed(fields.headers, fields.regex_headers, true);
  const query = readNamed(fields.query_parameters, fields.regex_query_parameters, false);
  const precedence = typeof fields.precedence === 'number' ? fields.precedence : 0;
  const route: RouteMatch = { path, host, method, headers, query };
  return {
    route,
    hostGiven: given,
    precedence,
    key: matchKey(route, precedence),
    headerRank: rankOf([
      ...headers.map(rankItem),
      ...(given ? [hostItem(host)] : []),
      ...(method ? [methodItem(method)] : []),
    ]),
    queryRank: rankOf(query.map(rankItem)),
  };
}

/** Key of a group: prefix and kind of prefix, host, method, headers, query parameters, precedence. */
export function matchKey(route: RouteMatch, precedence: number): string {
  const { path, host, method, headers, query } = route;
  const parts: unknown[] = [
    path.kind,
    path.value,
    host.kind === 'any' ? '*' : [host.kind, host.value.toLowerCase()],
  ];
  if (method !== null || headers.length > 0 || query.length > 0 || precedence !== 0) {
    parts.push(method, headers, query, precedence);
  }
  return JSON.stringify(parts);
}

function readPath(fields: Readonly<Record<string, unknown>>): PathMatch {
  const value = String(fields.prefix ?? '');
  if (fields.prefix_regex === true) return { kind: 'regex', value, ignoreCase: false };
  const ignoreCase = fields.case_sensitive === false;
  return { kind: fields.prefix_exact === true ? 'exact' : 'prefix', value, ignoreCase };
}

function readHost(
  fields: Readonly<Record<string, unknown>>,
  version: ApiVersion,
): { host: HostMatch; given: boolean } {
  const hostname = fields.hostname;
  if (typeof hostname === 'string' && hostname !== '') return { host: globHost(hostname), given: true };
  const host = fields.host;
  if (typeof host === 'string' && host !== '') {
    if (fields.host_regex === true) return { host: { kind: 'regex', value: host }, given: true };
    return { host: version === 3 ? { kind: 'exact', value: host } : globHost(host), given: true };
  }
  const exact = pseudoHeader(fields.headers, ':authority');
  if (exact !== null) return { host: { kind: 'exact', value: exact }, given: true };
  const regex = pseudoHeader(fields.regex_headers, ':authority');
  if (regex !== null) return { host: { kind: 'regex', value: regex }, given: true };
  return { host: { kind: 'any' }, given: version !== 3 };
}

/** A condition on :authority or :method that is written as one on a header; null if there is none. */
function pseudoHeader(headers: unknown, name: string): string | null {
  if (!isMap(headers)) return null;
  for (const key in headers) {
    const value = headers[key];
    if (key.toLowerCase() === name && typeof value === 'string') return value;
  }
  return null;
}

/** A DNS glob: a star stands for others only as the first or the last character, and only one counts. */
export function globHost(value: string): HostMatch {
  if (value === '*') return { kind: 'any' };
  const stars = value.split('*').length - 1;
  if (stars === 1 && value.startsWith('*')) return { kind: 'suffix', value: value.slice(1) };
  if (stars === 1 && value.endsWith('*')) return { kind: 'prefix', value: value.slice(0, -1) };
  return { kind: 'exact', value };
}

function readMethod(fields: Readonly<Record<string, unknown>>): StringMatch | null {
  const { method } = fields;
  if (typeof method !== 'string' || method === '') {
    const exact = pseudoHeader(fields.headers, ':method');
    if (exact !== null) return { kind: 'exact', value: exact };
    const regex = pseudoHeader(fields.regex_headers, ':method');
    return regex === null ? null : { kind: 'regex', value: regex };
  }
  return { kind: fields.method_regex === true ? 'regex' : 'exact', value: method };
}

/** Read as host and method instead. */
const pseudo = new Set([':authority', ':method']);

function readNamed(plain: unknown, regex: unknown, isHeader: boolean): NamedMatch[] {
  const matches: NamedMatch[] = [];
  const spell = (name: string): string => (isHeader ? name.toLowerCase() : name);
  for (const [name, value] of sortedEntries(plain)) {
    if (isHeader && pseudo.has(name.toLowerCase())) continue;
    if (value === true) matches.push({ name: spell(name), test: { kind: 'present' } });
    else if (typeof value === 'string') matches.push({ name: spell(name), test: { kind: 'exact', value } });
  }
  for (const [name, value] of sortedEntries(regex)) {
    if (isHeader && pseudo.has(name.toLowerCase())) continue;
    if (typeof value === 'string') matches.push({ name: spell(name), test: { kind: 'regex', value } });
  }
  return matches;
}

function sortedEntries(map: unknown): [string, unknown][] {
  return isMap(map) ? Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)) : [];
}

/** Length of a matcher: name, value, and one for a regex. `true` was converted to the regex ".*" (reference 2.5). */
function rankItem(match: NamedMatch): [string, number] {
  const { name, test } = match;
  const value = test.kind === 'present' ? '.*' : test.value;
  return [`${name}-${value}`, name.length + value.length + (test.kind === 'exact' ? 0 : 1)];
}

function hostItem(host: HostMatch): [string, number] {
  const value = { any: '*', exact: '', suffix: '*', prefix: '', regex: '' }[host.kind];
  const text = host.kind === 'any' ? value : host.kind === 'prefix' ? `${host.value}*` : value + host.value;
  return [`:authority-${text}`, ':authority'.length + text.length + (host.kind === 'regex' ? 1 : 0)];
}

function methodItem(method: StringMatch): [string, number] {
  return [
    `:method-${method.value}`,
    ':method'.length + method.value.length + (method.kind === 'regex' ? 1 : 0),
  ];
}

function rankOf(items: readonly [string, number][]): RankPart {
  let length = 0;
  for (const [, size] of items) length += size;
  return { length, items: items.map(([text]) => text) };
}
