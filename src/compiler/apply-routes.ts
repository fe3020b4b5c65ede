import type { HttpSettings } from '../model/http-settings.ts';
import type { Route } from '../model/route.ts';
import type { Listener, Snapshot, SnapshotPatch, VirtualHost } from '../model/snapshot.ts';
import type { TcpRoute } from '../model/tcp-route.ts';
import type { TlsContext } from '../model/tls.ts';

/** Routes that were compiled anew, and ids that may have to go. */
export interface RouteChanges {
  readonly set: Route[];
  readonly delete: string[];
}

/**
 * Makes the next snapshot and the patch that leads to it. What comes out equal is not in the patch; where nothing is
 * new the snapshot is the one before (but the first is one of its own).
 */
export function applyRoutes(
  before: Snapshot,
  changes: RouteChanges,
  heads: {
    readonly listeners: readonly Listener[] | null;
    readonly virtualHosts: readonly VirtualHost[] | null;
    readonly tcpRoutes: readonly TcpRoute[] | null;
    readonly tlsContexts: readonly TlsContext[] | null;
    readonly http: HttpSettings | null;
  },
): { snapshot: Snapshot; patch: SnapshotPatch } {
  const setRoutes = changes.set.filter((route) => !isSame(before.routes.get(route.id), route));
  const deleteRoutes = changes.delete.filter((id) => before.routes.has(id));
  const listeners = unlessSame(before.listeners, heads.listeners);
  const virtualHosts = unlessSame(before.virtualHosts, heads.virtualHosts);
  const tcpRoutes = unlessSame(before.tcpRoutes, heads.tcpRoutes);
  const tlsContexts = unlessSame(before.tlsContexts, heads.tlsContexts);
  const http = heads.http === null || isSame(before.http, heads.http) ? null : heads.http;
  let { routes } = before;
  if (setRoutes.length > 0 || deleteRoutes.length > 0) {
    const next = new Map(before.routes);
    for (const id of deleteRoutes) next.delete(id);
    for (const route of setRoutes) next.set(route.id, route);
    routes = next;
  }
  const same =
    before.revision > 0 &&
    routes === before.routes &&
    [listeners, virtualHosts, tcpRoutes, tlsContexts, http].every((part) => part === null);
  const revision = same ? before.revision : before.revision + 1;
  const next: Snapshot = {
    revision,
    listeners: listeners ?? before.listeners,
    virtualHosts: virtualHosts ?? before.virtualHosts,
    routes,
    tcpRoutes: tcpRoutes ?? before.tcpRoutes,
    tlsContexts: tlsContexts ?? before.tlsContexts,
    http: http ?? before.http,
  };
  return {
    snapshot: same ? before : next,
    patch: {
      from: before.revision,
      revision,
      listeners,
      virtualHosts,
      tcpRoutes,
      tlsContexts,
      http,
      setRoutes,
      deleteRoutes,
    },
  };
}

/** Null where nothing is new. */
function unlessSame<T>(before: readonly T[], now: readonly T[] | null): readonly T[] | null {
  return now === null || isSame(before, now) ? null : now;
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || (a !== undefined && JSON.stringify(a) === JSON.stringify(b));
}
