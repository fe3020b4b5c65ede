import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GatewayCount, reasonIndex } from './catalog.ts';
import { MergedMetrics, type SeriesEndings } from './merged-metrics.ts';
import { outcomeLabels } from './outcomes.ts';
import { WorkerMetrics } from './worker-metrics.ts';

/** As structured clone between processes does it: nothing is shared. */
const sent = <T>(value: T): T => structuredClone(value);

function calls(worker: WorkerMetrics, route: string, n: number): void {
  const series = worker.calls(route, 's', 'v', 'stable');
  for (let i = 0; i < n; i++) {
    series.begin();
    series.end(200, 0, 0, 1000 * i);
  }
}

describe('merging of workers', () => {
  test('sums are those of all workers, and a repeated report changes nothing', () => {
    const merged = new MergedMetrics(100);
    const [a, b] = [new WorkerMetrics(), new WorkerMetrics()];
    calls(a, 'r', 3);
    calls(b, 'r', 4);
    const report = sent(a.report()!);
    merged.apply(1, report);
    merged.apply(2, sent(b.report()!));
    merged.apply(1, sent(report));
    calls(a, 'r', 1);
    merged.apply(1, sent(a.report()!));
    const [total] = merged.totals();
    expect(total?.ended).toBe(8);
    expect(total?.duration.count).toBe(8);
  });

  test('calls and connections with the same labels are apart, also where they are folded and after a death', () => {
    const merged = new MergedMetrics(2);
    const a = new WorkerMetrics();
    for (const route of ['r', 'x', 'y']) {
      calls(a, route, 2);
      const series = a.connections(route, 's', 'v', 'stable');
      series.begin();
      series.end(200, -1, 0, 5);
    }
    const seen = (): unknown[] =>
      merged
        .totals()
        .map(({ labels, ended }) => `${labels.transport ?? 'calls'} ${labels.route} ${ended}`)
        .sort();
    merged.apply(1, sent(a.report()!));
    const expected = ['calls other 4', 'calls r 2', 'tcp other 2', 'tcp r 1'];
    expect(seen()).toEqual(expected);
    merged.retire(1, false);
    expect(seen()).toEqual(expected);
    const next = new MergedMetrics(2);
    next.loadRetired(sent(merged.dumpRetired()));
    expect(
      next
        .totals()
        .map(({ labels }) => labels.transport ?? 'calls')
        .sort(),
    ).toEqual(expected.map((text) => text.split(' ')[0]));
  });

  test('a dead worker keeps its sums, what was in flight is ended with a reason, its death is counted (report 21)', () => {
    const merged = new MergedMetrics(100);
    const a = new WorkerMetrics();
    calls(a, 'r', 5);
    a.calls('r', 's', 'v', 'stable').begin();
    a.gateway[GatewayCount.DOWNSTREAM_OPENED] = 3;
    merged.apply(1, sent(a.report()!));
    expect(merged.totals()[0]!.started - merged.totals()[0]!.ended).toBe(1);
    merged.retire(1, true);
    const [total] = merged.totals();
    expect([total?.ended, total?.started, total?.duration.count]).toEqual([6, 6, 6]);
    const cut = [...total!.outcomes].filter(([key]) => outcomeLabels(key).reason === 'worker_died');
    expect(cut.map(([, count]) => count)).toEqual([1]);
    expect(merged.gateway()[GatewayCount.DOWNSTREAM_OPENED]).toBe(3);
    expect(merged.gateway()[GatewayCount.DOWNSTREAM_CLOSED]).toBe(3);
    expect(merged.deaths).toBe(1);
  });

  test('a worker that was told to end cuts nothing', () => {
    const merged = new MergedMetrics(100);
    const a = new WorkerMetrics();
    calls(a, 'r', 5);
    a.calls('r', 's', 'v', 'stable').begin();
    merged.apply(1, sent(a.report()!));
    merged.retire(1, false);
    const [total] = merged.totals();
    expect([total?.ended, total?.started, merged.deaths]).toEqual([5, 5, 0]);
  });

  test('the base of dead workers survives a new control process', () => {
    const old = new MergedMetrics(100);
    const a = new WorkerMetrics();
    calls(a, 'r', 5);
    old.apply(1, sent(a.report()!));
    old.retire(1, true);
    const merged = new MergedMetrics(100);
    merged.loadRetired(sent(old.dumpRetired()));
    expect(merged.totals()).toEqual(old.totals());
    expect(merged.deaths).toBe(1);
  });

  test('no sum ever decreases, whatever workers do', () => {
    const step = fc.record({
      worker: fc.integer({ min: 0, max: 2 }),
      act: fc.constantFrom('calls', 'report', 'die'),
      n: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const merged = new MergedMetrics(2);
        const workers = [new WorkerMetrics(), new WorkerMetrics(), new WorkerMetrics()];
        const ids = [0, 1, 2];
        let before = new Map<string, number>();
        for (const { worker, act, n } of steps) {
          if (act === 'calls') calls(workers[worker]!, `r${n}`, n);
          if (act === 'report') {
            const report = workers[worker]!.report();
            if (report !== null) merged.apply(ids[worker]!, sent(report));
          }
          if (act === 'die') {
            merged.retire(ids[worker]!, true);
            workers[worker] = new WorkerMetrics();
            ids[worker]! += 3;
          }
          const now = new Map(merged.totals().map((t) => [t.labels.route, t.ended]));
          for (const [route, count] of before) expect(now.get(route) ?? 0).toBeGreaterThanOrEqual(count);
          before = now;
        }
      }),
    );
  });

  test('more series than allowed are one, and none of their calls is lost', () => {
    const merged = new MergedMetrics(2);
    const a = new WorkerMetrics();
    for (let i = 0; i < 10; i++) calls(a, `r${i}`, 2);
    a.calls('r9', 's', 'v', 'stable').begin();
    a.calls('r9', 's', 'v', 'stable').end(200, 0, reasonIndex.timeout, 1);
    merged.apply(1, sent(a.report()!));
    const totals = merged.totals();
    expect(totals.map((t) => [t.labels.route, t.ended])).toEqual([
      ['r0', 2],
      ['r1', 2],
      ['other', 17],
    ]);
    expect(merged.seriesFolded).toBe(8);
    const endings = (all: readonly SeriesEndings[]) =>
      all.map(({ labels, ended, outcomes }) => ({ labels, ended, outcomes }));
    merged.retire(1, true);
    merged.apply(2, sent(a.report(true)!));
    expect(endings(merged.endings())).toEqual(endings(merged.totals()));
  });
});
