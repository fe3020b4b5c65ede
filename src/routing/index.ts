import type { Route } from '../model/route.ts';
import type { VirtualHost } from '../model/snapshot.ts';
import { HeaderNames } from './header-names.ts';
import { HostIndex } from './host-index.ts';
import { matchesConditions, matchesPath, type RouteRequest } from './match-route.ts';
import { compareRoutes, type RouteList } from './path-index.ts';
import { VirtualHostTable } from './virtual-host-table.ts';

export type { RouteRequest } from './match-route.ts';
export { normalisePath } from './normalise-path.ts';
export { redirectLocation, secureLocation } from './redirect-location.ts';
export { rewritePath } from './rewrite-path.ts';

/** Where {@link RouteIndex.match} puts its answer; one object can be used again and again. */
export class RouteMatchResult {
  /** Null: no route. */
  route: Route | null = null;
  /**
   * True when a candidate that was looked at had a header or query condition, or the route's split has a share
   * that falls through: the answer must not be cached by host, path and method alone.
   */
  varies = false;
  /** Null: the host belongs to no virtual host. */
  virtualHost: VirtualHost | null = null;
}

/**
 * Finds the route of a request: host, then path, give a few candidates; the highest rank among those whose
 * conditions hold wins. Used by the data plane, `routes` and `explain` alike.
 */
export class RouteIndex {
  readonly #routes = new Map<string, Route>();
  readonly #hosts = new HostIndex();
  readonly #headerNames = new HeaderNames();
  #virtualHosts = new VirtualHostTable([]);
  /** Used by each match anew, so that none allocates. */
  readonly #lists: RouteList[] = [];

  /** Replaces all virtual hosts. */
  setVirtualHosts(virtualHosts: readonly VirtualHost[]): void {
    this.#virtualHosts = new VirtualHostTable(virtualHosts);
  }

  /** Adds a route, or replaces the one with its id. */
  set(route: Route): void {
    this.delete(route.id);
    this.#routes.set(route.id, route);
    this.#hosts.add(route);
    this.#headerNames.change(route, 1);
  }

  /** Removes a route; no fault if there is none with that id. */
  delete(id: string): void {
    const route = this.#routes.get(id);
    if (route === undefined) return;
    this.#routes.delete(id);
    this.#hosts.remove(route);
    this.#headerNames.change(route, -1);
  }

  /** Number of routes. */
  get size(): number {
    return this.#routes.size;
  }

  /**
   * The first matching route in rank order, strictly behind `after` (null = from the top). `virtualHosts`: names of
   * those that the listener serves, null = all.
   */
  match(
    request: RouteRequest,
    virtualHosts: readonly string[] | null,
    after: Route | null,
    out: RouteMatchResult,
  ): void {
    out.route = null;
    out.varies = false;
    const lowerHost = request.host.toLowerCase();
    const virtualHost = this.#virtualHosts.find(lowerHost, virtualHosts);
    out.virtualHost = virtualHost;
    if (virtualHost === null) return;
    const lists = this.#lists;
    lists.length = 0;
    this.#hosts.collect(lowerHost, request.host, request.path, lists);
    let best: Route | null = null;
    // The longest prefixes come last and mostly win: begun with them, the rest is passed over by rank.
    for (let i = lists.length - 1; i >= 0; i--) {
      const list = lists[i]!;
      for (let j = 0; j < list.length; j++) {
        const route = list[j]!;
        if (best !== null && compareRoutes(route, best) > 0) break;
        if (after !== null && compareRoutes(route, after) <= 0) continue;
        if (route.virtualHosts !== null && !route.virtualHosts.includes(virtualHost.name)) continue;
        if (!matchesPath(route.match.path, request.path)) continue;
        if (route.match.headers.length > 0 || route.match.query.length > 0) out.varies = true;
        if (!matchesConditions(route, request)) continue;
        best = route;
        break;
      }
    }
    out.route = best;
    if (best !== null && fallsThrough(best)) out.varies = true;
  }

  /** True if the request would find a route if its host had no port: worth saying in "no route". */
  matchesWithoutPort(request: RouteRequest, virtualHosts: readonly string[] | null): boolean {
    const host = request.host.replace(/:\d+$/, '');
    if (host === request.host) return false;
    const { path, query, method } = request;
    const out = new RouteMatchResult();
    this.match(
      { host, path, query, method, header: (name) => request.header(name) },
      virtualHosts,
      null,
      out,
    );
    return out.route !== null;
  }

  /** Names, in lower case, of all headers that any route looks at. */
  headerNames(): ReadonlySet<string> {
    return this.#headerNames.names;
  }
}

function fallsThrough({ action }: Route): boolean {
  if (action.kind !== 'split') return false;
  const { members } = action.split;
  return members[members.length - 1]?.kind === 'next';
}
