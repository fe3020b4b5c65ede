import { literalPrefix } from '../lib/regex.ts';
import { compareRank, type Route } from '../model/route.ts';
import { PathTrie } from './path-trie.ts';

/** Routes of one place in the index, the first in rank order first. */
export type RouteList = Route[];

/** Order of routes: by rank, and by id where ranks are equal. */
export function compareRoutes(a: Route, b: Route): number {
  return compareRank(a.rank, b.rank) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Routes by the literal prefix of their paths; those that ignore letter case have a trie of their own. */
export class PathIndex {
  readonly #plain = new PathTrie<RouteList>();
  readonly #folded = new PathTrie<RouteList>();
  #size = 0;
  #foldedSize = 0;

  /** Number of routes. */
  get size(): number {
    return this.#size;
  }

  /** Adds a route that is not in the index. */
  add(route: Route): void {
    const { key, folded } = place(route);
    const list = (folded ? this.#folded : this.#plain).ensure(key, () => []);
    list.splice(placeIn(list, route), 0, route);
    this.#size++;
    if (folded) this.#foldedSize++;
  }

  /** Removes a route that is in the index. */
  remove(route: Route): void {
    const { key, folded } = place(route);
    const trie = folded ? this.#folded : this.#plain;
    const list = trie.get(key);
    const at = list?.indexOf(route) ?? -1;
    if (list === undefined || at === -1) return;
    list.splice(at, 1);
    if (list.length === 0) trie.delete(key);
    this.#size--;
    if (folded) this.#foldedSize--;
  }

  /** Appends the lists that may hold a match for the path. */
  collect(path: string, into: RouteList[]): void {
    this.#plain.collect(path, into);
    if (this.#foldedSize > 0) this.#folded.collect(path.toLowerCase(), into);
  }
}

/** Where a route belongs in a sorted list. */
function placeIn(list: RouteList, route: Route): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareRoutes(list[middle]!, route) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function place({ match: { path } }: Route): { key: string; folded: boolean } {
  if (path.kind === 'regex') return { key: literalPrefix(path.value), folded: false };
  return path.ignoreCase
    ? { key: path.value.toLowerCase(), folded: true }
    : { key: path.value, folded: false };
}
