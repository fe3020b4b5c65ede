import type { HeaderAddition, HeaderEdits } from '../../model/backend.ts';
import { isMap } from '../field-types.ts';

/** Reads add_*_headers and remove_*_headers of one direction. `append` is true where nothing is written. */
export function readHeaderEdits(add: unknown, remove: unknown): HeaderEdits {
  const additions: HeaderAddition[] = [];
  for (const [key, value] of isMap(add) ? Object.entries(add) : []) {
    if (value === null) continue;
    const object = isMap(value) ? value : { value };
    additions.push({
      name: key.toLowerCase(),
      value: String(object.value ?? ''),
      append: object.append !== false,
    });
  }
  const names = typeof remove === 'string' ? [remove] : Array.isArray(remove) ? remove.map(String) : [];
  if (additions.length === 0 && names.length === 0) return noEdits;
  return { remove: names.map((name) => name.toLowerCase()), add: additions };
}

const noEdits: HeaderEdits = { remove: [], add: [] };
