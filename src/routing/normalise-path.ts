import { defaultHttpSettings, type PathRules } from '../model/http-settings.ts';

/** Anything that is not simply passed on: dot segments, encoded dots, and what is refused. */
const special = /[^!-[\]-~\u0080-\uffff]|\/\.|%2e/i;
/** Blanks, control characters and the backslash. */
const refused = /[^!-[\]-~\u0080-\uffff]/;

/**
 * A path (without query) as routes are chosen by and as it is sent: dot segments are resolved (RFC 3986 5.2.4),
 * with %2e read as a dot; `//`, %2F and every other escape stay as they came. A backslash, a blank, control
 * characters, and a path that does not begin with "/" are refused. `*` (of OPTIONS) is a path.
 * @param rules what is done beyond that, in Envoy's order: escaped slashes first, `//` last.
 */
export function normalisePath(
  path: string,
  rules: PathRules = defaultHttpSettings.path,
): { path: string } | { error: 'bad path' } {
  const { escapedSlashes, mergeSlashes } = rules;
  if (escapedSlashes === 'keep' || !escaped.test(path)) return resolved(path, mergeSlashes);
  if (escapedSlashes === 'reject') return { error: 'bad path' };
  // %5C becomes a backslash, which is refused below.
  return resolved(path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\'), mergeSlashes);
}

function resolved(path: string, mergeSlashes: boolean): { path: string } | { error: 'bad path' } {
  const normal = withoutDots(path);
  if (!mergeSlashes || 'error' in normal || !normal.path.includes('//')) return normal;
  return { path: normal.path.replace(/\/{2,}/g, '/') };
}

/** Escaped slash and backslash. */
const escaped = /%(?:2f|5c)/i;

function withoutDots(path: string): { path: string } | { error: 'bad path' } {
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
