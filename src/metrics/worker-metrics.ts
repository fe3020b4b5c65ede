import { CallSeries, type SeriesLabels, seriesKey } from './call-series.ts';
import { gatewayCounters } from './catalog.ts';
import { Packer } from './packing.ts';

/** What a worker tells the control process: cumulative values, of the series that changed. */
export interface WorkerReport {
  /** Null = unchanged. By `GatewayCount` and `limitIndex`. */
  readonly gateway: Float64Array | null;
  /** Labels of series that stand in the report for the first time (in one of everything: of all), by number. */
  readonly names: readonly { readonly id: number; readonly labels: SeriesLabels }[];
  /** For each series its number and what `CallSeries.pack` wrote. */
  readonly data: Float64Array;
}

/** Everything that one worker counts. */
export class WorkerMetrics {
  /** Connections, resets, frames, limits: incremented directly, by `GatewayCount` and `limitIndex`. */
  readonly gateway = new Float64Array(gatewayCounters.length);
  readonly #reported = new Float64Array(gatewayCounters.length);
  readonly #series = new Map<string, CallSeries>();
  /** The same, by number; and how many of them have been named in a report. */
  readonly #numbered: CallSeries[] = [];
  #named = 0;

  /** Finds or makes a series. Costs a map look-up: the caller keeps the object. */
  calls(route: string, service: string, version: string, role: string): CallSeries {
    return this.#find({ route, service, version, role });
  }

  /** The same for TCP connections: of a {@link CallSeries} `firstByte` is the time until the upstream is connected. */
  connections(route: string, service: string, version: string, role: string): CallSeries {
    return this.#find({ transport: 'tcp', route, service, version, role });
  }

  #find(labels: SeriesLabels): CallSeries {
    const key = seriesKey(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = new CallSeries(labels);
      this.#series.set(key, series);
      this.#numbered.push(series);
    }
    return series;
  }

  /**
   * Cumulative values of what changed since the last report; with `all`, of everything (for a control process that has just
   * begun). Null when nothing changed.
   */
  report(all = false): WorkerReport | null {
    const names: { id: number; labels: SeriesLabels }[] = [];
    const data = new Packer();
    for (const [id, one] of this.#numbered.entries()) {
      if (all || id >= this.#named) names.push({ id, labels: one.labels });
      if (!all && !one.dirty) continue;
      data.put(id);
      one.pack(data, all);
    }
    let gateway: Float64Array | null = null;
    for (let i = 0; i < this.gateway.length; i++) {
      if (!all && this.gateway[i] === this.#reported[i]) continue;
      gateway = this.gateway.slice();
      this.#reported.set(this.gateway);
      break;
    }
    const packed = data.take();
    if (gateway === null && packed.length === 0) return null;
    this.#named = this.#numbered.length;
    return { gateway, names, data: packed };
  }
}
