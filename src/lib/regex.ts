import { RE2JS } from 're2js';

/** Compiled expressions by source: equal patterns are shared, and one takes 10 to 16 KB. */
const cache = new Map<string, RE2JS>();
const MAX_CACHED = 20_000;

/**
 * Compiles an RE2 expression (linear time, no look-around or back references), or returns the shared one.
 * Throws an Error whose message says what is wrong with the expression.
 */
export function compileRegex(pattern: string): RE2JS {
  let compiled = cache.get(pattern);
  if (compiled === undefined) {
    compiled = RE2JS.compile(pattern);
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(pattern, compiled);
  }
  return compiled;
}

/** What is wrong with an RE2 expression, or null. */
export function regexProblem(pattern: string): string | null {
  try {
    compileRegex(pattern);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** True if the expression matches the whole of `text`. */
export function matchesWhole(pattern: string, text: string): boolean {
  return compileRegex(pattern).testExact(text);
}

/**
 * The literal text with which everything that the expression matches begins; '' when none is certain.
 * Errs on the short side: it is for an index, which tests the expression afterwards anyway.
 */
export function literalPrefix(pattern: string): string {
  if (pattern.includes('|') || pattern.includes('(?')) return '';
  let i = pattern.startsWith('^') ? 1 : 0;
  let literal = '';
  for (; i < pattern.length; i++) {
    let c = pattern[i]!;
    if (c === '\\') {
      const escaped = pattern[i + 1];
      if (escaped === undefined || /[A-Za-z0-9]/.test(escaped)) break;
      c = escaped;
      i++;
    } else if ('.[](){}*+?^$|'.includes(c)) break;
    const next = pattern[i + 1];
    if (next === '*' || next === '?' || next === '{') break;
    literal += c;
  }
  return literal;
}

/** Replaces every match of `pattern` in `text`; `\0` to `\9` in `substitution` stand for the groups. */
export function substitute(pattern: string, substitution: string, text: string): string {
  const matcher = compileRegex(pattern).matcher(text);
  let result = '';
  let from = 0;
  while (matcher.find()) {
    result += text.slice(from, matcher.start());
    result += substitution.replace(/\\([0-9\\])/g, (_, digit: string) =>
      digit === '\\' ? '\\' : (matcher.groupCount() >= Number(digit) && matcher.group(Number(digit))) || '',
    );
    from = matcher.end();
  }
  return result + text.slice(from);
}
