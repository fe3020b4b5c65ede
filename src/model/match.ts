import type { PathMatch } from './path.ts';

/**
 * Which `:authority` (Host) a route accepts. `suffix` and `prefix` are globs with one star at one end
 * (`*.example.com`, `api.*`): `value` is the part without the star, and the star stands for at least one
 * character. Exact and glob comparison ignores letter case (RFC 9110 4.2.3); a regex is RE2 over the whole
 * value. The port that a client wrote is part of what is compared.
 */
export type HostMatch =
  | { readonly kind: 'any' }
  | { readonly kind: 'exact' | 'suffix' | 'prefix' | 'regex'; readonly value: string };

/** A test of one string: equality, or an RE2 expression that must match the whole value. */
export type StringMatch =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'regex'; readonly value: string };

/** A test of one header (name in lower case; several lines are joined with ",") or query parameter (first one). */
export interface NamedMatch {
  readonly name: string;
  readonly test: StringMatch | { readonly kind: 'present' };
}

/** All conditions of a route; every one has to hold. */
export interface RouteMatch {
  readonly path: PathMatch;
  readonly host: HostMatch;
  readonly method: StringMatch | null;
  readonly headers: readonly NamedMatch[];
  readonly query: readonly NamedMatch[];
}
