import { type SeriesLabels, seriesKey } from './call-series.ts';
import type { SeriesEndings } from './merged-metrics.ts';
import { isFailure } from './outcomes.ts';

/** Calls and failures a second, over the window. */
export interface Rate {
  readonly calls: number;
  readonly failures: number;
}

interface Sample {
  readonly atMs: number;
  readonly series: ReadonlyMap<string, { readonly ended: number; readonly failed: number }>;
}

/** Rates over the last seconds, from samples of the cumulative sums taken about once a second. */
export class RateWindow {
  readonly #windowMs: number;
  #samples: Sample[] = [];

  /** @param windowMs length of the window, milliseconds. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Takes a sample of all series. */
  sample(atMs: number, endings: readonly SeriesEndings[]): void {
    const series = new Map<string, { ended: number; failed: number }>();
    for (const one of endings) {
      let failed = 0;
      for (const [outcome, count] of one.outcomes) if (isFailure(outcome)) failed += count;
      series.set(seriesKey(one.labels), { ended: one.ended, failed });
    }
    this.#samples.push({ atMs, series });
    // One sample at or before the beginning of the window stays, as the base of the difference.
    while (this.#samples.length > 2 && this.#samples[1]!.atMs <= atMs - this.#windowMs) this.#samples.shift();
  }

  /** Rate of one series; zero before the second sample. */
  of(labels: SeriesLabels): Rate {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs)
      return { calls: 0, failures: 0 };
    const seconds = (last.atMs - first.atMs) / 1000;
    const to = last.series.get(seriesKey(labels));
    const from = first.series.get(seriesKey(labels));
    return {
      calls: ((to?.ended ?? 0) - (from?.ended ?? 0)) / seconds,
      failures: ((to?.failed ?? 0) - (from?.failed ?? 0)) / seconds,
    };
  }
}
