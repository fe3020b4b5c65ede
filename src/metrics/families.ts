import type { SeriesLabels } from './call-series.ts';
import {
  CallCount,
  callCounters,
  GatewayCount,
  gatewayCounters,
  type MetricKey,
  metrics,
} from './catalog.ts';
import type { MetricFamily, Sample } from './exposition.ts';
import type { LogLinearHistogram } from './histogram.ts';
import type { SeriesTotal } from './merged-metrics.ts';
import { outcomeLabels } from './outcomes.ts';
import type { SplitWeight } from './weights.ts';

/** Upper bounds of the classic buckets of durations, in seconds. */
export const durationBounds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/** Everything that one scrape shows. */
export interface MetricsInput {
  readonly totals: readonly SeriesTotal[];
  /** By `GatewayCount` and `limitIndex`. */
  readonly gateway: Float64Array;
  readonly weights: readonly SplitWeight[];
  /** Ready endpoints of each service. */
  readonly endpoints: readonly { readonly service: string; readonly ready: number }[];
  readonly configErrors: number;
  readonly configWarnings: number;
  readonly configRevision: number;
  readonly workers: number;
  readonly workerDeaths: number;
  readonly seriesFolded: number;
  /** Labels of `serin_build_info`. */
  readonly build: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  readonly startTime: number;
}

/** Makes the families of a scrape, in the order of the catalogue. */
export function metricFamilies(input: MetricsInput): MetricFamily[] {
  const samples = new Map<MetricKey, Sample[]>();
  for (const key of Object.keys(metrics) as MetricKey[]) samples.set(key, []);
  const put = (key: MetricKey, labels: Readonly<Record<string, string>>, value: number) =>
    samples.get(key)!.push({ labels, value });
  for (const total of input.totals) {
    if (total.labels.transport === 'tcp') putConnections(samples, put, total);
    else putSeries(samples, put, total);
  }
  gatewayCounters.forEach((row, i) => {
    put(row.metric, row.labels, input.gateway[i]!);
  });
  putActive(put, input.gateway);
  for (const { share, ...labels } of input.weights) put('splitWeight', labels, share);
  for (const { service, ready } of input.endpoints) put('endpoints', { service }, ready);
  put('configErrors', {}, input.configErrors);
  put('configWarnings', {}, input.configWarnings);
  put('configRevision', {}, input.configRevision);
  put('workers', {}, input.workers);
  put('workerDeaths', {}, input.workerDeaths);
  put('seriesFolded', {}, input.seriesFolded);
  put('buildInfo', input.build, 1);
  put('startTime', {}, input.startTime);
  return [...samples].map(([key, list]) => ({ metric: metrics[key], samples: list }));
}

type Put = (key: MetricKey, labels: Readonly<Record<string, string>>, value: number) => void;

function putSeries(samples: Map<MetricKey, Sample[]>, put: Put, total: SeriesTotal): void {
  const labels = { ...total.labels };
  // Two outcomes may read the same (statuses that are none): one sample each would be the same series twice.
  const outcomes = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const [key, count] of total.outcomes) {
    const { code, grpcStatus, reason } = outcomeLabels(key);
    const id = `${code} ${grpcStatus} ${reason}`;
    const known = outcomes.get(id);
    if (known !== undefined) known.value += count;
    else outcomes.set(id, { labels: { ...labels, grpc_status: grpcStatus, code, reason }, value: count });
  }
  for (const one of outcomes.values()) put('requests', one.labels, one.value);
  put('requestsInFlight', labels, total.started - total.ended);
  samples.get('requestDuration')!.push(histogramSample(total.labels, total.duration));
  samples.get('firstByte')!.push(histogramSample(total.labels, total.firstByte));
  for (const row of callCounters) put(row.metric, labels, total.counts[CallCount[row.key]]!);
}

function putConnections(samples: Map<MetricKey, Sample[]>, put: Put, total: SeriesTotal): void {
  const { transport: _, ...labels } = total.labels;
  const { counts } = total;
  const byReason = new Map<string, number>();
  for (const [key, count] of total.outcomes) {
    const { reason } = outcomeLabels(key);
    byReason.set(reason, (byReason.get(reason) ?? 0) + count);
  }
  for (const [reason, count] of byReason) put('tcpConnections', { ...labels, reason }, count);
  put('tcpInFlight', labels, total.started - total.ended);
  put('tcpBytes', { ...labels, direction: 'received' }, counts[CallCount.BYTES_IN]!);
  put('tcpBytes', { ...labels, direction: 'sent' }, counts[CallCount.BYTES_OUT]!);
  put('tcpRetries', labels, counts[CallCount.RETRIES]!);
  put('tcpDiverted', labels, counts[CallCount.DIVERTED]!);
  samples.get('tcpDuration')!.push(histogramSample(labels, total.duration));
  samples.get('tcpConnect')!.push(histogramSample(labels, total.firstByte));
}

function histogramSample(labels: SeriesLabels, h: LogLinearHistogram): Sample {
  return {
    labels: { ...labels },
    bounds: durationBounds,
    cumulative: h.cumulative(durationBounds.map((s) => s * 1e6)),
    count: h.count,
    sum: h.sum / 1e6,
  };
}

function putActive(put: Put, gateway: Float64Array): void {
  const active = (opened: number, closed: number) => gateway[opened]! - gateway[closed]!;
  put(
    'connectionsActive',
    { side: 'downstream' },
    active(GatewayCount.DOWNSTREAM_OPENED, GatewayCount.DOWNSTREAM_CLOSED),
  );
  put(
    'connectionsActive',
    { side: 'upstream' },
    active(GatewayCount.UPSTREAM_OPENED, GatewayCount.UPSTREAM_CLOSED),
  );
}
