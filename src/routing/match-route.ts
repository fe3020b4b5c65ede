import { matchesWhole } from '../lib/regex.ts';
import type { HostMatch, NamedMatch, StringMatch } from '../model/match.ts';
import type { PathMatch } from '../model/path.ts';
import type { Route } from '../model/route.ts';

/** What a route is chosen by. */
export interface RouteRequest {
  /** As the client wrote it, port included. */
  readonly host: string;
  /** Normalised, without query. */
  readonly path: string;
  /** Without "?"; may be ''. */
  readonly query: string;
  readonly method: string;
  /** Value of a header (several lines joined with ","), or undefined. */
  header(lowerName: string): string | undefined;
}

/** True if a path match accepts the path. `lowerPath` is the path in lower case. */
export function matchesPath(match: PathMatch, path: string): boolean {
  if (match.kind === 'regex') return matchesWhole(match.value, path);
  if (match.ignoreCase === 'only' && path.startsWith(match.value)) return false;
  if (match.kind === 'exact') {
    if (path.length !== match.value.length) return false;
    return match.ignoreCase ? path.toLowerCase() === match.value.toLowerCase() : path === match.value;
  }
  if (!match.ignoreCase) return path.startsWith(match.value);
  return path.slice(0, match.value.length).toLowerCase() === match.value.toLowerCase();
}

/** True if a host match accepts the host in lower case; expressions see the host as it was written. */
export function matchesHost(match: HostMatch, lowerHost: string, host: string): boolean {
  switch (match.kind) {
    case 'any':
      return true;
    case 'exact':
      return lowerHost === match.value.toLowerCase();
    case 'suffix':
      return lowerHost.length > match.value.length && lowerHost.endsWith(match.value.toLowerCase());
    case 'prefix':
      return lowerHost.length > match.value.length && lowerHost.startsWith(match.value.toLowerCase());
    case 'regex':
      return matchesWhole(match.value, host);
  }
}

/** True if method, headers and query parameters of a route all hold. */
export function matchesConditions(route: Route, request: RouteRequest): boolean {
  const { method, headers, query } = route.match;
  if (method !== null && !matchesText(method, request.method)) return false;
  for (let i = 0; i < headers.length; i++) {
    const condition = headers[i]!;
    if (!matchesNamed(condition, request.header(condition.name))) return false;
  }
  for (let i = 0; i < query.length; i++) {
    const condition = query[i]!;
    if (!matchesNamed(condition, queryParameter(request.query, condition.name))) return false;
  }
  return true;
}

function matchesText(match: StringMatch, text: string): boolean {
  return match.kind === 'exact' ? text === match.value : matchesWhole(match.value, text);
}

function matchesNamed({ test }: NamedMatch, value: string | undefined): boolean {
  if (value === undefined) return false;
  return test.kind === 'present' || matchesText(test, value);
}

/** The first parameter of that name, as it is written (no decoding); '' where it has no value. */
export function queryParameter(query: string, name: string): string | undefined {
  for (let from = 0; from <= query.length; ) {
    let end = query.indexOf('&', from);
    if (end === -1) end = query.length;
    if (query.startsWith(name, from)) {
      const after = from + name.length;
      if (after === end) return '';
      if (query.charCodeAt(after) === 61) return query.slice(after + 1, end);
    }
    from = end + 1;
  }
  return undefined;
}
