import type { ValuePath } from '../../lib/position.ts';
import { regexProblem } from '../../lib/regex.ts';
import { isMap } from '../field-types.ts';
import { type Finding, finding } from '../issue.ts';
import { templateIn } from '../templates.ts';
import { checkCors } from './cors.ts';
import { checkHeaderEdits } from './mapping-headers.ts';
import { readMatch } from './mapping-match.ts';
import { redirectCodes } from './mapping-redirect.ts';
import { breaksGrpc, readRewrite } from './mapping-rewrite.ts';
import { parseService } from './service-address.ts';
import type { ShapedObject } from './shape.ts';

type Fields = Readonly<Record<string, unknown>>;
/** A rule about the fields of a Mapping, beyond their types. */
type Rule = (fields: Fields, pathOf: (field: string) => ValuePath, object: ShapedObject) => Finding[];

const templates: Rule = (fields, pathOf) =>
  ['service', 'host', 'hostname', 'prefix'].flatMap((field) => {
    const template = typeof fields[field] === 'string' ? templateIn(fields[field]) : null;
    // In an expression a brace behind a dollar is a quantifier, not a template.
    const isRegex =
      (field === 'prefix' && fields.prefix_regex === true) ||
      (field === 'host' && fields.host_regex === true);
    if (template === null || (isRegex && !template.startsWith('{{'))) return [];
    return [finding('unrendered-template', pathOf(field), { field, template })];
  });

/** Checks `service` of a Mapping or TCPMapping. */
export const checkService: Rule = (fields, pathOf) => {
  const text = fields.service;
  if (typeof text !== 'string' || text === '' || templateIn(text) !== null) return [];
  const parsed = parseService(text);
  const path = pathOf('service');
  if ('scheme' in parsed && !('host' in parsed))
    return [finding('service-scheme', path, { scheme: parsed.scheme })];
  if ('reason' in parsed) {
    return [
      finding('invalid-value', path, {
        field: 'service',
        reason: parsed.reason,
        remedy: 'write name.namespace:port',
      }),
    ];
  }
  const found: Finding[] = [];
  if (parsed.path !== null) found.push(finding('service-path', path, { path: parsed.path }));
  // v2's `tls: true` turns http:// into https://, so nothing is contradicted there.
  if (parsed.scheme === 'http' && typeof fields.tls === 'string' && fields.tls !== '')
    found.push(finding('tls-beside-http', pathOf('tls')));
  return found;
};

const regexes: Rule = (fields, pathOf) => {
  const found: Finding[] = [];
  const test = (field: string, pattern: unknown, key?: string): void => {
    const reason = typeof pattern === 'string' ? regexProblem(pattern) : null;
    const path = key === undefined ? pathOf(field) : [...pathOf(field), key];
    if (reason !== null)
      found.push(
        finding('invalid-regex', path, { field: key === undefined ? field : `${field}.${key}`, reason }),
      );
  };
  if (fields.prefix_regex === true) test('prefix', fields.prefix);
  if (fields.host_regex === true && fields.hostname === undefined) test('host', fields.host);
  if (fields.method_regex === true) test('method', fields.method);
  for (const field of ['regex_headers', 'regex_query_parameters']) {
    const map = fields[field];
    if (isMap(map)) for (const key in map) test(field, map[key], key);
  }
  for (const field of ['regex_rewrite', 'regex_redirect']) {
    const map = fields[field];
    if (isMap(map)) test(field, map.pattern, 'pattern');
  }
  return found;
};

const hosts: Rule = (fields, pathOf, object) => {
  const found: Finding[] = [];
  const { host, hostname } = fields;
  if (hostname !== undefined && host !== undefined) {
    found.push(finding('overridden-field', pathOf('host'), { field: 'host', winner: 'hostname' }));
  }
  if (
    object.version === 3 &&
    hostname === undefined &&
    typeof host === 'string' &&
    host.includes('*') &&
    fields.host_regex !== true
  ) {
    const reason = `a star is not allowed in host ("${host}")`;
    found.push(
      finding('invalid-value', pathOf('host'), {
        field: 'host',
        reason,
        remedy: `write hostname: "${host}"`,
      }),
    );
  }
  const glob = hostname ?? (object.version < 3 && fields.host_regex !== true ? host : undefined);
  if (typeof glob === 'string' && glob !== '*' && /.\*.|^\*.*\*$/s.test(glob)) {
    found.push(
      finding('hostname-glob', pathOf(hostname === undefined ? 'host' : 'hostname'), {
        field: hostname === undefined ? 'host' : 'hostname',
        value: glob,
      }),
    );
  }
  return found;
};

const rewrites: Rule = (fields, pathOf, object) => {
  const found: Finding[] = [];
  const { path } = readMatch(fields, object.version).route;
  const rewrite = readRewrite(fields, path);
  const at = fields.rewrite === undefined ? pathOf('prefix') : pathOf('rewrite');
  if (rewrite.kind === 'regex') {
    if (typeof fields.rewrite === 'string')
      found.push(finding('overridden-field', at, { field: 'rewrite', winner: 'regex_rewrite' }));
  } else if (rewrite.kind !== 'keep') {
    if (fields.grpc === true && breaksGrpc(rewrite, path))
      found.push(finding('grpc-rewrite', at, { rewrite: rewrite.to }));
    else if (!rewrite.to.startsWith('/'))
      found.push(finding('relative-rewrite', at, { rewrite: rewrite.to }));
  }
  return found;
};

const redirects: Rule = (fields, pathOf) => {
  const found: Finding[] = [];
  const code = fields.redirect_response_code;
  if (typeof code === 'number' && !redirectCodes.includes(code)) {
    const values = {
      field: 'redirect_response_code',
      reason: `${code} is not a redirect`,
      remedy: `write one of ${redirectCodes.join(', ')}`,
    };
    found.push(finding('invalid-value', pathOf('redirect_response_code'), values));
  }
  const given = ['path_redirect', 'prefix_redirect', 'regex_redirect'].filter(
    (field) => fields[field] !== undefined,
  );
  const [winner, ...losers] = given;
  if (winner === undefined) return found;
  for (const field of losers) found.push(finding('overridden-field', pathOf(field), { field, winner }));
  if (fields.host_redirect !== true) found.push(finding('redirect-host', pathOf(winner), { field: winner }));
  return found;
};

const hostRewrite: Rule = (fields, pathOf) => {
  const text = fields.host_rewrite;
  if (typeof text !== 'string' || /^[\x21-\x7e]*$/.test(text)) return [];
  const reason = 'a host has visible ASCII only';
  return [
    finding('invalid-value', pathOf('host_rewrite'), {
      field: 'host_rewrite',
      reason,
      remedy: 'write host or host:port',
    }),
  ];
};

const cors: Rule = (fields, pathOf) => checkCors(fields.cors, pathOf('cors'));

const rules: readonly Rule[] = [
  templates,
  checkService,
  regexes,
  hosts,
  rewrites,
  redirects,
  checkHeaderEdits,
  hostRewrite,
  cors,
];

/** Checks what the types of the fields cannot say. */
export function checkMapping(fields: Fields, object: ShapedObject): Finding[] {
  return rules.flatMap((rule) => rule(fields, object.pathOf, object));
}
