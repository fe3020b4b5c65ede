const template = /\{\{.*?\}\}|\$\{[^}]*\}|\$\([^)]*\)/s;

/**
 * The first template in a value that nobody rendered: `{{ x }}`, `${X}` or `$(x)`; null if there is none. YAML
 * reads an unquoted `{{ x }}` as a map in a map, which is a template too.
 */
export function templateIn(value: unknown): string | null {
  if (typeof value === 'string') return template.exec(value)?.[0] ?? null;
  if (typeof value === 'object' && value !== null && '[object Object]' in value) return '{{ … }}';
  return null;
}

/** Names of the variables that Ambassador would replace in a text (`$NAME`). */
export function variablesIn(value: string): string[] {
  return [...value.matchAll(/\$([A-Za-z_][A-Za-z0-9_]*)/g)].map((match) => match[1]!);
}
