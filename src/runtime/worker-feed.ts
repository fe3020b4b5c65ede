import type { ServiceEndpoints } from '../model/endpoints.ts';
import { type EndpointsPatch, emptySnapshot, type Snapshot, type SnapshotPatch } from '../model/snapshot.ts';
import { encode, type FromControl, type ToWorker } from './messages.ts';
import { endpointsInParts, patchInParts, wholePatch } from './snapshot-parts.ts';

/** What is known of one worker. */
interface WorkerState {
  /** It has said that it listens; what is sent before is lost. */
  listening: boolean;
  /** It was sent a whole snapshot and follows by patches. */
  fed: boolean;
  /** Revision that it serves; null before the first. */
  applied: number | null;
}

/** Sends snapshots and endpoints to the workers: whole at the start and after a gap, patches otherwise. */
export class WorkerFeed {
  readonly #send: (message: FromControl) => void;
  readonly #services: () => ReadonlyMap<string, ServiceEndpoints>;
  readonly #workers = new Map<number, WorkerState>();
  #snapshot: Snapshot = emptySnapshot;
  /** Before the first compile there is nothing to send: an empty gateway would answer 404. */
  #compiled = false;

  /** @param services everything that is known of endpoints, for a worker that begins. */
  constructor(send: (message: FromControl) => void, services: () => ReadonlyMap<string, ServiceEndpoints>) {
    this.#send = send;
    this.#services = services;
  }

  /** Workers that are alive. */
  get workers(): number {
    return this.#workers.size;
  }

  /** Workers that serve a complete snapshot. */
  get serving(): number {
    return [...this.#workers.values()].filter((w) => w.applied !== null).length;
  }

  /** The revision that every worker serves; 0 while one serves none. */
  get appliedByAll(): number {
    return Math.min(...[...this.#workers.values()].map(({ applied }) => applied ?? 0));
  }

  /** A worker process has begun; it will say `started` when it listens to us. */
  began(worker: number): void {
    this.#workers.set(worker, { listening: false, fed: false, applied: null });
  }

  /** A worker process has ended. */
  ended(worker: number): void {
    this.#workers.delete(worker);
  }

  /** A worker listens: it gets everything, once. */
  started(worker: number): void {
    const state = this.#workers.get(worker) ?? { listening: true, fed: false, applied: null };
    state.listening = true;
    this.#workers.set(worker, state);
    if (!state.fed && this.#compiled) this.whole(worker);
  }

  /** A worker serves a revision. */
  applied(worker: number, revision: number): void {
    const state = this.#workers.get(worker);
    if (state !== undefined) state.applied = revision;
  }

  /** Asks all workers to report themselves. */
  hello(): void {
    this.#toAll({ type: 'hello' });
  }

  /** Sends a worker all endpoints and the whole snapshot. */
  whole(worker: number): void {
    this.#whole([worker]);
  }

  #whole(workers: readonly number[]): void {
    for (const worker of workers) {
      const state = this.#workers.get(worker);
      if (state !== undefined) state.fed = true;
    }
    for (const patch of endpointsInParts([...this.#services().values()]))
      this.#to(workers, { type: 'endpoints', patch });
    for (const part of patchInParts(wholePatch(this.#snapshot)))
      this.#to(workers, { type: 'snapshot', ...part });
  }

  /** A compile has made another snapshot. */
  snapshot(snapshot: Snapshot, patch: SnapshotPatch): void {
    this.#snapshot = snapshot;
    if (!this.#compiled) {
      this.#compiled = true;
      this.#whole([...this.#workers].flatMap(([worker, state]) => (state.listening ? [worker] : [])));
      return;
    }
    if (patch.from === patch.revision) return;
    // After a snapshot of another life revisions begin anew.
    if (patch.from === 0) for (const state of this.#workers.values()) state.applied &&= 0;
    for (const part of patchInParts(patch)) this.#toFed({ type: 'snapshot', ...part });
  }

  /** Endpoints have changed. */
  endpoints(patch: EndpointsPatch): void {
    if (!this.#compiled) return;
    for (const part of endpointsInParts(patch.set)) this.#toFed({ type: 'endpoints', patch: part });
    if (patch.delete.length > 0) this.#toFed({ type: 'endpoints', patch: { set: [], delete: patch.delete } });
  }

  /** All workers end the calls of a canary. */
  endCalls(service: string, port: number | null, version: string | null): void {
    this.#toFed({ type: 'end-calls', service, port, version });
  }

  #toFed(message: ToWorker): void {
    this.#to(
      [...this.#workers].flatMap(([worker, state]) => (state.fed ? [worker] : [])),
      message,
    );
  }

  #toAll(message: ToWorker): void {
    this.#send({ type: 'to-workers', workers: null, payload: encode(message) });
  }

  /** A message is written down and sent to the parent once, however many get it. */
  #to(workers: readonly number[], message: ToWorker): void {
    if (workers.length > 0) this.#send({ type: 'to-workers', workers, payload: encode(message) });
  }
}
