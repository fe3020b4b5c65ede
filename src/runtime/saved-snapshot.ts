import { readFileSync } from 'node:fs';
import type { ServiceEndpoints } from '../model/endpoints.ts';
import { emptySnapshot, type Snapshot, type SnapshotPatch } from '../model/snapshot.ts';
import type { Address } from './options.ts';
import { wholePatch } from './snapshot-parts.ts';
import { writeState } from './state-folder.ts';

/** What was served last, as it is kept for a start without the API server. */
export interface SavedSnapshot {
  readonly patch: SnapshotPatch;
  readonly services: readonly ServiceEndpoints[];
}

/** Milliseconds after a change until it is written: a change seldom comes alone. */
const SAVE_MS = 1000;
/** A write blocks this process, for longer on a slow disk: so many times as long as one took pass until the next, within this limit in milliseconds. */
const REST = 25;
const MOST_SAVE_MS = 30_000;
/** Form of the file; another one is not read. */
const FORM = 1;

/** Keeps the last snapshot with its endpoints in the state folder. Mode 0600: the keys of certificates are in it. */
export class SnapshotFile {
  readonly #path: string;
  readonly #onProblem: (message: string) => void;
  #timer: NodeJS.Timeout | null = null;
  #saved = '';
  #waitMs = SAVE_MS;

  constructor(folder: string, onProblem: (message: string) => void) {
    this.#path = `${folder}/snapshot.json`;
    this.#onProblem = onProblem;
  }

  /** What was kept, or null. A file that cannot be read is told, and counts as none. */
  read(): SavedSnapshot | null {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#onProblem(`${this.#path}: ${(error as Error).message}`);
      return null;
    }
    try {
      const { form, patch, services } = JSON.parse(text) as SavedSnapshot & { form: number };
      if (form === FORM && Array.isArray(services) && Array.isArray(patch?.setRoutes))
        return { patch, services };
      this.#onProblem(`${this.#path} was written by another version of serin and is not used`);
    } catch (error) {
      this.#onProblem(`${this.#path}: ${(error as Error).message}`);
    }
    return null;
  }

  /** Keeps what `state` gives, a second from now, or later where writing takes long. */
  save(state: () => { snapshot: Snapshot; services: readonly ServiceEndpoints[] }): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const began = performance.now();
      const { snapshot, services } = state();
      const text = JSON.stringify({ form: FORM, patch: wholePatch(snapshot), services });
      if (text === this.#saved) return;
      try {
        writeState(this.#path, text);
        this.#saved = text;
      } catch (error) {
        this.#onProblem(`${this.#path} cannot be written: ${(error as Error).message}`);
      }
      const rest = (performance.now() - began) * REST;
      this.#waitMs = Math.min(MOST_SAVE_MS, Math.max(SAVE_MS, rest));
    }, this.#waitMs);
    this.#timer.unref();
  }
}

/** The snapshot that a whole patch makes. */
export function snapshotOf(patch: SnapshotPatch): Snapshot {
  return {
    revision: patch.revision,
    listeners: patch.listeners ?? emptySnapshot.listeners,
    virtualHosts: patch.virtualHosts ?? emptySnapshot.virtualHosts,
    routes: new Map(patch.setRoutes.map((route) => [route.id, route])),
    tcpRoutes: patch.tcpRoutes ?? emptySnapshot.tcpRoutes,
    tlsContexts: patch.tlsContexts ?? emptySnapshot.tlsContexts,
    http: patch.http ?? emptySnapshot.http,
  };
}

/** The same patch with the listeners of this life's --listen, where there are any: those of the life before may be elsewhere. */
export function listeningAt(patch: SnapshotPatch, listen: readonly Address[]): SnapshotPatch {
  const saved = patch.listeners ?? [];
  const pattern = saved.find(({ protocol }) => protocol !== 'tcp');
  if (listen.length === 0 || pattern === undefined) return patch;
  const listeners = listen.map(({ address, port }) => {
    return { ...pattern, name: `${address}:${port}`, address, port, virtualHosts: null };
  });
  return { ...patch, listeners: [...listeners, ...saved.filter(({ protocol }) => protocol === 'tcp')] };
}
