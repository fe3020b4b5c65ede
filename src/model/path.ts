/**
 * How a route looks at the path (the query is never part of it).
 * `prefix` is a raw string prefix, not aware of segments, as Envoy's `prefix`; `regex` must match the whole
 * path (RE2 syntax). `ignoreCase` has no effect on a regex; `only`: paths that differ from `value` in letter case, and in that alone.
 */
export interface PathMatch {
  readonly kind: 'prefix' | 'exact' | 'regex';
  readonly value: string;
  readonly ignoreCase: boolean | 'only';
}

/**
 * What is sent upstream in place of the path that came.
 * `prefix`: the first `length` characters (the matched prefix) become `to`. `whole`: the whole path becomes
 * `to`. `regex`: every match of `pattern` (RE2) becomes `substitution` (with `\1` for groups). The query is
 * always kept.
 */
export type PathRewrite =
  | { readonly kind: 'keep' }
  | { readonly kind: 'prefix'; readonly length: number; readonly to: string }
  | { readonly kind: 'whole'; readonly to: string }
  | { readonly kind: 'regex'; readonly pattern: string; readonly substitution: string };
