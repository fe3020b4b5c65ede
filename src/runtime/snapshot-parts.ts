import type { ServiceEndpoints } from '../model/endpoints.ts';
import type { EndpointsPatch, Snapshot, SnapshotPatch } from '../model/snapshot.ts';

/** Routes or services in one message: it is read and applied in well under 5 ms. */
const PART = 200;

/** A whole snapshot as patches of at most 200 routes, in order; `last` marks the end. */
export function* wholeInParts(snapshot: Snapshot): Generator<{ patch: SnapshotPatch; last: boolean }> {
  const routes = [...snapshot.routes.values()];
  let at = 0;
  do {
    const setRoutes = routes.slice(at, at + PART);
    const first = at === 0;
    at += PART;
    yield {
      patch: {
        from: 0,
        revision: snapshot.revision,
        listeners: first ? snapshot.listeners : null,
        virtualHosts: first ? snapshot.virtualHosts : null,
        setRoutes,
        deleteRoutes: [],
      },
      last: at >= routes.length,
    };
  } while (at < routes.length);
}

/** Endpoints in patches of at most 200 services. */
export function* endpointsInParts(set: readonly ServiceEndpoints[]): Generator<EndpointsPatch> {
  for (let at = 0; at < set.length; at += PART) yield { set: set.slice(at, at + PART), delete: [] };
}

/** Joins the parts of {@link wholeInParts} again; null until the last one is there. A part of another revision begins anew. */
export class WholeSnapshot {
  #parts: SnapshotPatch[] = [];

  /** Takes the next part. */
  take(patch: SnapshotPatch, last: boolean): SnapshotPatch | null {
    if (patch.listeners !== null) this.#parts = [];
    this.#parts.push(patch);
    if (!last) return null;
    const parts = this.#parts;
    this.#parts = [];
    const first = parts[0]!;
    return {
      from: 0,
      revision: first.revision,
      listeners: first.listeners,
      virtualHosts: first.virtualHosts,
      setRoutes: parts.flatMap((part) => part.setRoutes),
      deleteRoutes: [],
    };
  }
}
