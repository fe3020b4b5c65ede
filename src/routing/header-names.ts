import type { Route } from '../model/route.ts';

/** The headers that any route looks at, counted as routes come and go. */
export class HeaderNames {
  readonly #counts = new Map<string, number>();
  /** In lower case. Replaced, not changed, when a name comes or goes. */
  names: ReadonlySet<string> = new Set();

  /** Counts a route's headers in (+1) or out (-1). */
  change(route: Route, by: 1 | -1): void {
    let changed = false;
    for (const { name } of route.match.headers) {
      const before = this.#counts.get(name) ?? 0;
      if (before + by > 0) this.#counts.set(name, before + by);
      else this.#counts.delete(name);
      if (before === 0 || before + by === 0) changed = true;
    }
    if (changed) this.names = new Set(this.#counts.keys());
  }
}
