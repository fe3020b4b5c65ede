import type { Cors } from './cors.ts';
import type { RouteMatch } from './match.ts';
import type { PathRewrite } from './path.ts';
import type { FixedResponse, Split } from './split.ts';

/**
 * Where a route stands among the others: element by element, the greater one first; numbers compare as
 * numbers, strings by code unit, and a longer rank with an equal beginning comes first. Each source of
 * configuration makes ranks by its own rules; ranks of one snapshot are comparable.
 */
export type Rank = readonly (number | string)[];

/** A redirect answered by the gateway itself. */
export interface Redirect {
  readonly status: number;
  /** Scheme of the Location; null keeps the request's. */
  readonly scheme: 'http' | 'https' | null;
  /** Host of the Location; null keeps the request's. */
  readonly host: string | null;
  /** Path of the Location; null keeps the request's path and query. */
  readonly path: string | null;
  /** What becomes of the request's path where `path` is null (prefix_redirect, regex_redirect); absent = nothing. */
  readonly rewrite?: PathRewrite;
}

/** What a route does with a call. */
export type RouteAction =
  | { readonly kind: 'split'; readonly split: Split }
  | { readonly kind: 'redirect'; readonly redirect: Redirect }
  | { readonly kind: 'respond'; readonly response: FixedResponse };

/** Match and action. One group of Mappings is one route. */
export interface Route {
  /** Stable over compiles; unique in a snapshot. */
  readonly id: string;
  /** Label `route` and name in every listing: `name.namespace` of the leading object. */
  readonly name: string;
  readonly rank: Rank;
  readonly match: RouteMatch;
  /** Names of the virtual hosts that it belongs to; null = all of them. */
  readonly virtualHosts: readonly string[] | null;
  readonly action: RouteAction;
  /** Set when something that should guard this route is not served: the answer given instead of the action. */
  readonly blocked: FixedResponse | null;
  /** Answers that pages of other origins may read; absent = none. */
  readonly cors?: Cors;
}

/** Orders two ranks: negative when `a` comes first. See {@link Rank}. */
export function compareRank(a: Rank, b: Rank): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (x === y) continue;
    if (typeof x === 'number' && typeof y === 'number') return y - x;
    return String(x) < String(y) ? 1 : -1;
  }
  return b.length - a.length;
}
