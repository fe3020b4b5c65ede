import type { ServiceEndpoints } from '../model/endpoints.ts';
import type { EndpointsPatch, Snapshot, SnapshotPatch } from '../model/snapshot.ts';

/** Routes or services in one message: it is read in well under 5 ms. */
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
    setRoutes: [...snapshot.routes.values()],
    deleteRoutes: [],
  };
}

/** A patch in parts of at most 200 routes, in order. */
export function* patchInParts(patch: SnapshotPatch): Generator<SnapshotPart> {
  let at = 0;
  do {
    const first = at === 0;
    const setRoutes = patch.setRoutes.slice(at, at + PART);
    at += PART;
    yield {
      patch: {
        ...patch,
        listeners: first ? patch.listeners : null,
        virtualHosts: first ? patch.virtualHosts : null,
        setRoutes,
        deleteRoutes: first ? patch.deleteRoutes : [],
      },
      first,
      last: at >= patch.setRoutes.length,
    };
  } while (at < patch.setRoutes.length);
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
    return { ...parts[0]!, setRoutes: parts.flatMap((p) => p.setRoutes) };
  }
}
