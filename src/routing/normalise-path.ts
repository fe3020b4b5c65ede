/** Anything that is not simply passed on: dot segments, encoded dots, and what is refused. */
const special = /[^!-[\]-~\u0080-\uffff]|\/\.|%2e/i;
/** Blanks, control characters and the backslash. */
const refused = /[^!-[\]-~\u0080-\uffff]/;

/**
 * A path (without query) as routes are chosen by and as it is sent: dot segments are resolved (RFC 3986 5.2.4),
 * with %2e read as a dot; `//`, %2F and every other escape stay as they came. A backslash, a blank, control
 * characters, and a path that does not begin with "/" are refused. `*` (of OPTIONS) is a path.
 */
export function normalisePath(path: string): { path: string } | { error: 'bad path' } {
  if (path.charCodeAt(0) !== 47) return path === '*' ? { path } : { error: 'bad path' };
  if (!special.test(path)) return { path };
  if (refused.test(path)) return { error: 'bad path' };
  const segments: string[] = [];
  const parts = path.split('/');
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i]!;
    const isLast = i === parts.length - 1;
    const dots = part.length > 6 ? part : part.replace(/%2e/gi, '.');
    if (dots === '.') {
      if (isLast) segments.push('');
    } else if (dots === '..') {
      segments.pop();
      if (isLast) segments.push('');
    } else segments.push(part);
  }
  return { path: `/${segments.join('/')}` };
}
