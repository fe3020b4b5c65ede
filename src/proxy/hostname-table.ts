/**
 * Something for each hostname: exact, a glob with one star at one end, or `*`. An exact name wins, then the longest
 * `*.suffix`, then the longest `prefix.*`, then `*`; of two with one name the first.
 */
export class HostnameTable<T> {
  readonly #exact = new Map<string, T>();
  readonly #suffixes: [suffix: string, T][] = [];
  readonly #prefixes: [prefix: string, T][] = [];
  #any: T | null = null;

  /** @param name in lower case. */
  add(name: string, item: T): void {
    if (name === '*') this.#any ??= item;
    else if (name.startsWith('*')) insert(this.#suffixes, name.slice(1), item);
    else if (name.endsWith('*')) insert(this.#prefixes, name.slice(0, -1), item);
    else if (!this.#exact.has(name)) this.#exact.set(name, item);
  }

  /** What there is for a name in lower case (null: the client has sent none); null = nothing. A star is at least one character. */
  find(name: string | null): T | null {
    if (name === null) return this.#any;
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    const { length } = name;
    const found =
      this.#suffixes.find(([suffix]) => length > suffix.length && name.endsWith(suffix)) ??
      this.#prefixes.find(([prefix]) => length > prefix.length && name.startsWith(prefix));
    return found?.[1] ?? this.#any;
  }
}

/** Longest first; behind those of the same length. */
function insert<T>(list: [string, T][], part: string, item: T): void {
  const at = list.findIndex(([other]) => other.length < part.length);
  list.splice(at === -1 ? list.length : at, 0, [part, item]);
}
