import type { SplitState } from '../compiler/canaries/split-state.ts';

/** How late a replica may hear of an abort and still end the calls, milliseconds: after a restart there are none of before. */
const MOST_LATE_MS = 60_000;

/** The longest time that a timer takes, milliseconds; beyond it Node's fire at once. */
const MOST_TIMER_MS = 2 ** 31 - 1;

/** Ends the running calls of canaries that were aborted with a time for it, each abort once. */
export class AbortedCalls {
  readonly #end: (calls: NonNullable<SplitState['calls']>) => void;
  /** Split (`Kind/name.namespace`) → the abort (its time) that is taken care of, and its timer. */
  readonly #timers = new Map<string, { readonly at: string; readonly timer: NodeJS.Timeout }>();

  /** @param end ends these calls. */
  constructor(end: (calls: NonNullable<SplitState['calls']>) => void) {
    this.#end = end;
  }

  /** Takes over what the splits are now. @param nowMs since 1970, as `at` of overlays is. */
  update(splits: readonly SplitState[], nowMs: number): void {
    const seen = new Set<string>();
    for (const { kind, name, overlay, calls } of splits) {
      const key = `${kind}/${name}`;
      if (overlay?.state !== 'aborted' || overlay.endStreamsS === undefined || calls === null) continue;
      seen.add(key);
      if (this.#timers.get(key)?.at === overlay.at) continue;
      this.#cancel(key);
      const waitMs = Date.parse(overlay.at) + overlay.endStreamsS * 1000 - nowMs;
      // What is too far away is looked at again with every report.
      if (!(waitMs > -MOST_LATE_MS && waitMs <= MOST_TIMER_MS)) continue;
      const timer = setTimeout(() => this.#end(calls), Math.max(0, waitMs));
      timer.unref();
      this.#timers.set(key, { at: overlay.at, timer });
    }
    for (const key of this.#timers.keys()) if (!seen.has(key)) this.#cancel(key);
  }

  /** What was aborted is wanted again: its calls go on. */
  #cancel(key: string): void {
    clearTimeout(this.#timers.get(key)?.timer);
    this.#timers.delete(key);
  }
}
