import { describe, expect, test } from 'vitest';
import { CallSeries, outcomeKey, splitOutcome } from './call-series.ts';
import { CallCount, reasonIndex } from './catalog.ts';
import { LogLinearHistogram } from './histogram.ts';
import { Packer, Unpacker } from './packing.ts';

/** What a series packs, by name. */
function reported(series: CallSeries, all: boolean) {
  const packer = new Packer();
  series.pack(packer, all);
  const from = new Unpacker(packer.take());
  const [started, ended] = [from.next(), from.next()];
  const outcomes: number[] = [];
  const outcomeCounts: number[] = [];
  for (let n = from.next(); n > 0; n--) {
    outcomes.push(from.next());
    outcomeCounts.push(from.next());
  }
  const counts = Object.keys(CallCount).map(() => from.next());
  const duration = new LogLinearHistogram();
  duration.unpack(from);
  return { started, ended, outcomes, outcomeCounts, counts, duration };
}

const labels = { route: 'r', service: 's', version: 'v', role: 'stable' };

describe('series of one worker', () => {
  test('an outcome comes back out of its key', () => {
    for (const code of [200, 404, 599])
      for (const grpcStatus of [-1, 0, 14, 17])
        for (const reason of [0, reasonIndex.internal])
          expect(splitOutcome(outcomeKey(code, grpcStatus, reason))).toEqual({ code, grpcStatus, reason });
    expect(splitOutcome(outcomeKey(999, 4711, 0))).toEqual({ code: 0, grpcStatus: 17, reason: 0 });
  });

  test('counts by outcome, and what is in flight', () => {
    const series = new CallSeries(labels);
    for (let i = 0; i < 12; i++) series.begin();
    for (let i = 0; i < 5; i++) series.end(200, 0, 0, 1000);
    for (let i = 0; i < 6; i++) series.end(200, i, reasonIndex.timeout, 1000);
    series.counts[CallCount.BYTES_IN]! += 7;
    const report = reported(series, false);
    expect(series.inFlight).toBe(1);
    expect([report.started, report.ended]).toEqual([12, 11]);
    expect([...report.outcomeCounts]).toEqual([5, 1, 1, 1, 1, 1, 1]);
    expect(report.duration.count).toBe(11);
    expect(report.counts[CallCount.BYTES_IN]).toBe(7);
    expect(series.dirty).toBe(false);
  });

  test('a backend that invents status codes does not grow the series without end', () => {
    const series = new CallSeries(labels);
    for (let code = 100; code < 600; code++) {
      series.begin();
      series.end(code, -1, 0, 1);
    }
    const report = reported(series, true);
    expect(report.outcomes.length).toBe(64);
    expect(report.outcomeCounts.reduce((a, b) => a + b, 0)).toBe(500);
    expect(splitOutcome(report.outcomes[63]!).code).toBe(0);
  });
});
