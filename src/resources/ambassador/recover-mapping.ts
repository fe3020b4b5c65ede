import { editDistance } from '../../lib/edit-distance.ts';
import { isMap } from '../field-types.ts';
import type { Recovered } from '../resource.ts';
import { readMatch } from './mapping-match.ts';
import type { ShapedObject } from './shape.ts';
import { readTcpMatch } from './tcp-mapping.ts';

/**
 * What can be said of a broken Mapping: the group that it would be in, and whether it has a weight. Where it has
 * none it would take what the others leave, and that share must not go to the canary.
 */
export function recoverMapping({ fields, version, meta }: ShapedObject): Recovered | null {
  if (typeof fields.prefix !== 'string' || fields.prefix === '') return null;
  if (fields.shadow === true || fields.host_redirect === true) return null;
  const weighted = looksWeighted(fields);
  const conditions: Record<string, unknown> = { ...fields };
  for (const field of conditionFields) {
    if (fields[field] === undefined || fields[field] === null) continue;
    if (!isMap(fields[field])) return null;
    conditions[field] = asTexts(fields[field]);
  }
  return { kind: 'Mapping', match: readMatch(conditions, version), labels: meta.labels, weighted };
}

/** The same of a broken TCPMapping. */
export function recoverTcpMapping({ fields }: ShapedObject): Recovered | null {
  const match = readTcpMatch(fields);
  if (!Number.isInteger(match.port)) return null;
  return { kind: 'TCPMapping', match, weighted: looksWeighted(fields) };
}

function looksWeighted(fields: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(fields).some((key) => fields[key] !== null && editDistance(key, 'weight', 2) <= 2);
}

const conditionFields = ['headers', 'regex_headers', 'query_parameters', 'regex_query_parameters'] as const;

/** Numbers as the texts that were meant, so that the conditions make the group that they should. */
function asTexts(map: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(map);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]),
  );
}
