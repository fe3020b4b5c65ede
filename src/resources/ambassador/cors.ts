import type { ValuePath } from '../../lib/position.ts';
import type { Cors } from '../../model/cors.ts';
import { isMap } from '../field-types.ts';
import { type Finding, finding } from '../issue.ts';

const known = new Set(['origins', 'methods', 'headers', 'exposed_headers', 'credentials', 'max_age']);

/** Reads `cors` of a Mapping or the Module; null = not written, or null. Lists may be one text with commas. */
export function readCors(value: unknown): Cors | null {
  if (!isMap(value)) return null;
  const { origins, methods, headers, exposed_headers: exposed, credentials, max_age: maxAge } = value;
  return {
    origins: listOf(origins),
    methods: listOf(methods).join(', '),
    headers: listOf(headers).join(', '),
    exposedHeaders: listOf(exposed).join(', '),
    credentials: credentials === true,
    maxAge: maxAge === undefined || maxAge === null ? '' : String(maxAge),
  };
}

/** What is wrong with it: unknown fields, and values that are no headers. */
export function checkCors(value: unknown, path: ValuePath): Finding[] {
  if (!isMap(value)) return [];
  const found: Finding[] = [];
  for (const [key, one] of Object.entries(value)) {
    const at = [...path, key];
    if (!known.has(key)) found.push(finding('field-not-served', at, { field: `cors.${key}` }));
    else if (!/^[\x20-\x7e]*$/.test(listOf(one).join(''))) {
      const reason = 'it goes into a header, which has visible ASCII only';
      found.push(
        finding('invalid-value', at, {
          field: `cors.${key}`,
          reason,
          remedy: 'take the other characters out',
        }),
      );
    }
  }
  if (listOf(value.origins).length === 0) {
    const remedy = 'write the origins that may read the answers, such as https://example.org, or "*"';
    found.push(finding('invalid-value', path, { field: 'cors', reason: 'it has no origins', remedy }));
  }
  return found;
}

function listOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  const list = Array.isArray(value) ? value.map(String) : String(value).split(',');
  return list.map((one) => one.trim()).filter((one) => one !== '');
}
