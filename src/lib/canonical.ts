/** JSON with sorted keys: equal for values that mean the same. Depth is limited, so shared parts cannot blow it up. */
export function canonical(value: unknown, depth = 8): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (depth === 0) return '…';
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth - 1)).join(',')}]`;
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical((value as Record<string, unknown>)[key], depth - 1)}`).join(',')}}`;
}
