/** Calls of a canary and of all, counted since the start. */
export interface CallCounts {
  readonly canary: number;
  readonly all: number;
}

interface Sample extends CallCounts {
  readonly atMs: number;
}

/** Milliseconds between two samples that are kept. */
const SPACING_MS = 500;

/** The share of the last calls that each canary got, from cumulative counts that are sampled every few seconds. */
export class ObservedShares {
  readonly #windowMs: number;
  readonly #samples = new Map<string, Sample[]>();

  /** @param windowMs how far back the calls count, milliseconds. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Takes a sample; returns the share in percent, to a tenth, or null where there was no call in the window. */
  sample(atMs: number, name: string, counts: CallCounts): number | null {
    const samples = this.#samples.get(name) ?? [];
    this.#samples.set(name, samples);
    // Counts that went down are of other series: the canary is another one now.
    if ((samples.at(-1)?.all ?? 0) > counts.all) samples.length = 0;
    // Of a hundred samples a second one says as much as all.
    if (atMs - (samples.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) >= SPACING_MS)
      samples.push({ atMs, ...counts });
    // One sample at or before the beginning of the window stays, as the base of the difference.
    while (samples.length > 2 && samples[1]!.atMs <= atMs - this.#windowMs) samples.shift();
    const all = counts.all - samples[0]!.all;
    return all === 0 ? null : Math.round(((counts.canary - samples[0]!.canary) / all) * 1000) / 10;
  }

  /** Forgets canaries that are not among these. */
  retain(names: ReadonlySet<string>): void {
    for (const name of this.#samples.keys()) if (!names.has(name)) this.#samples.delete(name);
  }
}
