import type { ShapedObject } from './ambassador/shape.ts';
import { type Finding, finding } from './issue.ts';
import { variablesIn } from './templates.ts';

/** Warnings of `$NAME` in fields where the environment has such a variable: Ambassador replaces it, Serin does not. */
export function environmentFindings(
  object: ShapedObject,
  environment: Readonly<Record<string, string | undefined>>,
): Finding[] {
  const found: Finding[] = [];
  for (const field in object.fields) {
    const value = object.fields[field];
    if (typeof value !== 'string' || !value.includes('$')) continue;
    for (const name of variablesIn(value)) {
      if (environment[name] === undefined) continue;
      found.push(finding('environment-variable', object.pathOf(field), { field, variable: `$${name}` }));
    }
  }
  return found;
}
