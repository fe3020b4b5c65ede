import { outcomeKey, type SeriesLabels, seriesKey } from './call-series.ts';
import { CallCount, foldedLabels, GatewayCount, gatewayCounters, reasonIndex } from './catalog.ts';
import { LogLinearHistogram } from './histogram.ts';
import { Packer, Unpacker } from './packing.ts';
import type { WorkerReport } from './worker-metrics.ts';

/** One series, summed over all workers, living and dead. */
export interface SeriesTotal {
  readonly labels: SeriesLabels;
  started: number;
  ended: number;
  /** By {@link outcomeKey}. */
  readonly outcomes: Map<number, number>;
  /** By `CallCount`. */
  readonly counts: Float64Array;
  readonly duration: LogLinearHistogram;
  readonly firstByte: LogLinearHistogram;
}

/** How the calls of one series have ended. */
export type SeriesEndings = Readonly<Pick<SeriesTotal, 'labels' | 'ended' | 'outcomes'>>;

/** What must outlive a control process so that no series decreases: the sums of the workers that are dead. */
export interface RetiredMetrics {
  readonly labels: readonly SeriesLabels[];
  /** For each of the labels what `CallSeries.pack` would write. */
  readonly data: Float64Array;
  readonly gateway: Float64Array;
  readonly deaths: number;
}

/** A worker's life: its sums so far. */
interface Life {
  readonly series: Map<string, SeriesTotal>;
  /** The same, by the worker's own numbers. */
  readonly numbered: Map<number, SeriesTotal>;
  gateway: Float64Array;
}

/**
 * Adds up what the workers report. Reports are cumulative for each worker, so a report that is lost or repeated does no harm;
 * a dead worker's last values go into a base that is never taken away, so no series decreases.
 */
export class MergedMetrics {
  /** Workers that ended without having been told to. */
  deaths = 0;
  readonly #maxSeries: number;
  readonly #admitted = new Set<string>();
  readonly #folded = new Set<string>();
  readonly #lives = new Map<number, Life>();
  readonly #retired: Life = newLife();

  /** @param maxSeries series that keep their labels; what comes later is added to `route="other"`. */
  constructor(maxSeries: number) {
    this.#maxSeries = maxSeries;
  }

  /** How many series were folded because of `maxSeries`. */
  get seriesFolded(): number {
    return this.#folded.size;
  }

  /** Workers that have reported and live. */
  get workers(): number {
    return this.#lives.size;
  }

  /** Takes over a report of a worker. */
  apply(worker: number, report: WorkerReport): void {
    let life = this.#lives.get(worker);
    if (life === undefined) {
      life = newLife();
      this.#lives.set(worker, life);
    }
    if (report.gateway !== null) life.gateway = report.gateway;
    for (const { id, labels } of report.names) life.numbered.set(id, this.#find(life.series, labels));
    const from = new Unpacker(report.data);
    while (!from.isAtEnd) {
      // A number without a name: the report of everything, which has it, is under way.
      const series = life.numbered.get(from.next()) ?? newTotal(foldedLabels);
      unpack(series, from);
    }
  }

  #find(into: Map<string, SeriesTotal>, labels: SeriesLabels): SeriesTotal {
    const key = this.#admit(labels);
    let series = into.get(key);
    if (series === undefined) {
      series = newTotal(labels);
      into.set(key, series);
    }
    return series;
  }

  /**
   * A worker has ended: its sums stay, and what it had in flight and open is over. Where it died, the calls that ran are ended
   * calls with a reason of their own (report 21); where it was told to end, it has ended them itself.
   */
  retire(worker: number, unexpected: boolean): void {
    if (unexpected) this.deaths++;
    const life = this.#lives.get(worker);
    if (life === undefined) return;
    this.#lives.delete(worker);
    for (const [key, series] of life.series) {
      if (unexpected) endCut(series);
      series.started = series.ended;
      addSeries(this.#retired.series, key, series);
    }
    const gateway = life.gateway;
    gateway[GatewayCount.DOWNSTREAM_CLOSED] = gateway[GatewayCount.DOWNSTREAM_OPENED]!;
    gateway[GatewayCount.UPSTREAM_CLOSED] = gateway[GatewayCount.UPSTREAM_OPENED]!;
    addInto(this.#retired.gateway, gateway);
  }

  /** Sums by `GatewayCount` and `limitIndex`. */
  gateway(): Float64Array {
    const sum = this.#retired.gateway.slice();
    for (const life of this.#lives.values()) addInto(sum, life.gateway);
    return sum;
  }

  /** All series, summed; the objects are the caller's. */
  totals(): SeriesTotal[] {
    const sums = new Map<string, SeriesTotal>();
    for (const life of [this.#retired, ...this.#lives.values()]) {
      for (const [key, series] of life.series)
        addSeries(sums, this.#folded.has(key) ? foldedKey(series.labels) : key, series);
    }
    return [...sums.values()];
  }

  /** How the calls of all series have ended, summed: {@link totals} without what costs most, for whoever asks often. */
  endings(): SeriesEndings[] {
    const sums = new Map<string, { labels: SeriesLabels; ended: number; outcomes: Map<number, number> }>();
    for (const life of [this.#retired, ...this.#lives.values()]) {
      for (const [place, series] of life.series) {
        const key = this.#folded.has(place) ? foldedKey(series.labels) : place;
        let sum = sums.get(key);
        if (sum === undefined) {
          sum = {
            labels: key === place ? series.labels : foldedOf(series.labels),
            ended: 0,
            outcomes: new Map(),
          };
          sums.set(key, sum);
        }
        sum.ended += series.ended;
        addOutcomes(sum.outcomes, series.outcomes);
      }
    }
    return [...sums.values()];
  }

  /** The base of the dead workers, to be kept elsewhere. */
  dumpRetired(): RetiredMetrics {
    const data = new Packer();
    const labels: SeriesLabels[] = [];
    for (const one of this.#retired.series.values()) {
      labels.push(one.labels);
      pack(one, data);
    }
    return { labels, data: data.take(), gateway: this.#retired.gateway.slice(), deaths: this.deaths };
  }

  /** Begins with the base that an earlier control process has kept. */
  loadRetired(from: RetiredMetrics): void {
    this.deaths = from.deaths;
    this.#retired.gateway.set(from.gateway);
    const data = new Unpacker(from.data);
    for (const labels of from.labels) unpack(this.#find(this.#retired.series, labels), data);
  }

  #admit(labels: SeriesLabels): string {
    const key = seriesKey(labels);
    if (this.#admitted.has(key) || this.#folded.has(key)) return key;
    if (this.#admitted.size < this.#maxSeries) this.#admitted.add(key);
    else this.#folded.add(key);
    return key;
  }
}

/** Calls and connections are folded apart. */
function foldedOf({ transport }: SeriesLabels): SeriesLabels {
  return transport === undefined ? foldedLabels : { transport, ...foldedLabels };
}

function foldedKey(labels: SeriesLabels): string {
  return seriesKey(foldedOf(labels));
}

function newLife(): Life {
  return { series: new Map(), numbered: new Map(), gateway: new Float64Array(gatewayCounters.length) };
}

function newTotal(labels: SeriesLabels): SeriesTotal {
  return {
    labels,
    started: 0,
    ended: 0,
    outcomes: new Map(),
    counts: new Float64Array(Object.keys(CallCount).length),
    duration: new LogLinearHistogram(),
    firstByte: new LogLinearHistogram(),
  };
}

/** Outcome of a call that died with its worker: no status of its own reached the client. */
const cutOutcome = outcomeKey(0, -1, reasonIndex.worker_died);

/** Ends what was in flight. How long those calls ran nobody knows: they are put where the series' mean is, which moves it least. */
function endCut(series: SeriesTotal): void {
  const cut = series.started - series.ended;
  if (cut <= 0) return;
  const { duration, outcomes } = series;
  const meanUs = duration.count === 0 ? 0 : duration.sum / duration.count;
  for (let i = 0; i < cut; i++) duration.record(meanUs);
  outcomes.set(cutOutcome, (outcomes.get(cutOutcome) ?? 0) + cut);
  series.ended = series.started;
}

/** Takes over what `CallSeries.pack` wrote. */
function unpack(series: SeriesTotal, from: Unpacker): void {
  series.started = from.next();
  series.ended = from.next();
  for (let n = from.next(); n > 0; n--) {
    const outcome = from.next();
    series.outcomes.set(outcome, from.next());
  }
  for (let i = 0; i < series.counts.length; i++) series.counts[i] = from.next();
  series.duration.unpack(from);
  series.firstByte.unpack(from);
}

/** Writes what {@link unpack} reads. */
function pack(series: SeriesTotal, into: Packer): void {
  into.put(series.started);
  into.put(series.ended);
  into.put(series.outcomes.size);
  for (const [outcome, count] of series.outcomes) {
    into.put(outcome);
    into.put(count);
  }
  for (const count of series.counts) into.put(count);
  series.duration.pack(into, true);
  series.firstByte.pack(into, true);
}

function addSeries(into: Map<string, SeriesTotal>, key: string, from: SeriesTotal): void {
  let sum = into.get(key);
  if (sum === undefined) {
    sum = newTotal(key === foldedKey(from.labels) ? foldedOf(from.labels) : from.labels);
    into.set(key, sum);
  }
  sum.started += from.started;
  sum.ended += from.ended;
  addInto(sum.counts, from.counts);
  addOutcomes(sum.outcomes, from.outcomes);
  sum.duration.merge(from.duration);
  sum.firstByte.merge(from.firstByte);
}

function addOutcomes(sum: Map<number, number>, more: ReadonlyMap<number, number>): void {
  for (const [outcome, count] of more) sum.set(outcome, (sum.get(outcome) ?? 0) + count);
}

function addInto(sum: Float64Array, more: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += more[i]!;
}
