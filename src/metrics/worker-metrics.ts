import { CallSeries, type SeriesReport } from './call-series.ts';
import { gatewayCounters } from './catalog.ts';

/** What a worker tells the control process: cumulative values, of the series that changed. */
export interface WorkerReport {
  /** Null = unchanged. By `GatewayCount` and `limitIndex`. */
  readonly gateway: Float64Array | null;
  readonly series: readonly SeriesReport[];
}

/** Everything that one worker counts. */
export class WorkerMetrics {
  /** Connections, resets, frames, limits: incremented directly, by `GatewayCount` and `limitIndex`. */
  readonly gateway = new Float64Array(gatewayCounters.length);
  readonly #reported = new Float64Array(gatewayCounters.length);
  readonly #series = new Map<string, CallSeries>();

  /** Finds or makes a series. Costs a map look-up: the caller keeps the object. */
  calls(route: string, service: string, version: string, role: string): CallSeries {
    const key = `${route}\n${service}\n${version}\n${role}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = new CallSeries({ route, service, version, role });
      this.#series.set(key, series);
    }
    return series;
  }

  /**
   * Cumulative values of what changed since the last report; with `all`, of everything (for a control process that has just
   * begun). Null when nothing changed.
   */
  report(all = false): WorkerReport | null {
    const series: SeriesReport[] = [];
    for (const one of this.#series.values()) if (all || one.dirty) series.push(one.report(all));
    let gateway: Float64Array | null = null;
    for (let i = 0; i < this.gateway.length; i++) {
      if (!all && this.gateway[i] === this.#reported[i]) continue;
      gateway = this.gateway.slice();
      this.#reported.set(this.gateway);
      break;
    }
    return gateway === null && series.length === 0 ? null : { gateway, series };
  }
}
