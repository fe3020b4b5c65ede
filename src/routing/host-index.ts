import { literalPrefix, matchesWhole } from '../lib/regex.ts';
import type { HostMatch } from '../model/match.ts';
import type { Route } from '../model/route.ts';
import { PathIndex, type RouteList } from './path-index.ts';
import { PathTrie } from './path-trie.ts';

/** Routes by host: exact, suffix and prefix globs, expressions by their literal prefix, and any; below by path. */
export class HostIndex {
  readonly #any = new PathIndex();
  readonly #exact = new Map<string, PathIndex>();
  readonly #suffix = new GlobMap('suffix');
  readonly #prefix = new GlobMap('prefix');
  readonly #regex = new PathTrie<Map<string, PathIndex>>();
  #regexCount = 0;

  /** Adds a route that is not in the index. */
  add(route: Route): void {
    this.#ensure(route.match.host).add(route);
  }

  /** Removes a route that is in the index. */
  remove(route: Route): void {
    const { host } = route.match;
    const index = this.#ensure(host);
    index.remove(route);
    if (index.size > 0 || host.kind === 'any') return;
    if (host.kind === 'exact') this.#exact.delete(host.value.toLowerCase());
    else if (host.kind === 'suffix') this.#suffix.delete(host.value.toLowerCase());
    else if (host.kind === 'prefix') this.#prefix.delete(host.value.toLowerCase());
    else {
      const key = literalPrefix(host.value);
      const map = this.#regex.get(key);
      map?.delete(host.value);
      this.#regexCount--;
      if (map?.size === 0) this.#regex.delete(key);
    }
  }

  #ensure(host: HostMatch): PathIndex {
    if (host.kind === 'any') return this.#any;
    if (host.kind === 'suffix') return this.#suffix.ensure(host.value.toLowerCase());
    if (host.kind === 'prefix') return this.#prefix.ensure(host.value.toLowerCase());
    const map =
      host.kind === 'exact' ? this.#exact : this.#regex.ensure(literalPrefix(host.value), () => new Map());
    const key = host.kind === 'exact' ? host.value.toLowerCase() : host.value;
    let index = map.get(key);
    if (index === undefined) {
      index = new PathIndex();
      map.set(key, index);
      if (host.kind === 'regex') this.#regexCount++;
    }
    return index;
  }

  /** Appends the lists that may hold a match for host and path; hosts are decided by this, paths not fully. */
  collect(lowerHost: string, host: string, path: string, into: RouteList[]): void {
    this.#any.collect(path, into);
    this.#exact.get(lowerHost)?.collect(path, into);
    this.#suffix.collect(lowerHost, path, into);
    this.#prefix.collect(lowerHost, path, into);
    if (this.#regexCount === 0) return;
    const maps: Map<string, PathIndex>[] = [];
    this.#regex.collect(host, maps);
    for (const map of maps)
      for (const [pattern, index] of map) if (matchesWhole(pattern, host)) index.collect(path, into);
  }
}

/** Indices by the text of a glob without its star. Only lengths that exist are tried. */
class GlobMap {
  readonly #end: 'suffix' | 'prefix';
  readonly #indices = new Map<string, PathIndex>();
  /** How many globs have which length. */
  readonly #lengths = new Map<number, number>();

  constructor(end: 'suffix' | 'prefix') {
    this.#end = end;
  }

  ensure(value: string): PathIndex {
    let index = this.#indices.get(value);
    if (index === undefined) {
      index = new PathIndex();
      this.#indices.set(value, index);
      this.#lengths.set(value.length, (this.#lengths.get(value.length) ?? 0) + 1);
    }
    return index;
  }

  delete(value: string): void {
    if (!this.#indices.delete(value)) return;
    const left = (this.#lengths.get(value.length) ?? 1) - 1;
    if (left > 0) this.#lengths.set(value.length, left);
    else this.#lengths.delete(value.length);
  }

  collect(host: string, path: string, into: RouteList[]): void {
    for (const length of this.#lengths.keys()) {
      // The star stands for at least one character.
      if (length >= host.length) continue;
      const key = this.#end === 'suffix' ? host.slice(host.length - length) : host.slice(0, length);
      this.#indices.get(key)?.collect(path, into);
    }
  }
}
