import type { ServiceEndpoints } from '../model/endpoints.ts';
import type { EndpointsPatch, Snapshot, SnapshotPatch } from '../model/snapshot.ts';

/** Routes of either kind, TLS contexts or services in one message: it is read in well under 5 ms. */
const PART = 200;

/** Part of a patch, as it travels. */
export interface SnapshotPart {
  readonly patch: SnapshotPatch;
  readonly first: boolean;
  readonly last: boolean;
}

/** A whole snapshot as a patch that fits on anything. */
export function wholePatch(snapshot: Snapshot): SnapshotPatch {
  return {
    from: 0,
    revision: snapshot.revision,
    listeners: snapshot.listeners,
    virtualHosts: snapshot.virtualHosts,
    tcpRoutes: snapshot.tcpRoutes,
    tlsContexts: snapshot.tlsContexts,
    http: snapshot.http,
    setRoutes: [...snapshot.routes.values()],
    deleteRoutes: [],
  };
}

/** A patch in parts of at most 200 routes, 200 TCP routes and 200 TLS contexts, in order. */
export function* patchInParts(patch: SnapshotPatch): Generator<SnapshotPart> {
  const size = Math.max(patch.setRoutes.length, patch.tcpRoutes?.length ?? 0, patch.tlsContexts?.length ?? 0);
  let at = 0;
  do {
    const first = at === 0;
    const tlsContexts = patch.tlsContexts?.slice(at, at + PART) ?? null;
    const tcpRoutes = patch.tcpRoutes?.slice(at, at + PART) ?? null;
    const setRoutes = patch.setRoutes.slice(at, at + PART);
    at += PART;
    yield {
      patch: {
        ...patch,
        listeners: first ? patch.listeners : null,
        virtualHosts: first ? patch.virtualHosts : null,
        tcpRoutes,
        tlsContexts,
        http: first ? patch.http : null,
        setRoutes,
        deleteRoutes: first ? patch.deleteRoutes : [],
      },
      first,
      last: at >= size,
    };
  } while (at < size);
}

/** Endpoints in patches of at most 200 services. */
export function* endpointsInParts(set: readonly ServiceEndpoints[]): Generator<EndpointsPatch> {
  for (let at = 0; at < set.length; at += PART) yield { set: set.slice(at, at + PART), delete: [] };
}

/** Joins the parts of {@link patchInParts} again. */
export class PatchJoiner {
  #parts: SnapshotPatch[] = [];

  /** Takes the next part; null until the last one is there. A first part begins anew. */
  take(part: SnapshotPart): SnapshotPatch | null {
    if (part.first) this.#parts = [];
    this.#parts.push(part.patch);
    if (!part.last) return null;
    const parts = this.#parts;
    this.#parts = [];
    const first = parts[0]!;
    return {
      ...first,
      tcpRoutes: first.tcpRoutes === null ? null : parts.flatMap((p) => p.tcpRoutes ?? []),
      tlsContexts: first.tlsContexts === null ? null : parts.flatMap((p) => p.tlsContexts ?? []),
      setRoutes: parts.flatMap((p) => p.setRoutes),
    };
  }
}
