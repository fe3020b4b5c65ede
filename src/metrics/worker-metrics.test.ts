import { describe, expect, test } from 'vitest';
import { GatewayCount, limitIndex } from './catalog.ts';
import { WorkerMetrics } from './worker-metrics.ts';

describe('metrics of one worker', () => {
  test('one object for one set of labels', () => {
    const m = new WorkerMetrics();
    expect(m.calls('r', 's', 'v', 'stable')).toBe(m.calls('r', 's', 'v', 'stable'));
    expect(m.calls('r', 's', 'v', 'stable')).not.toBe(m.calls('r', 's', 'v', 'canary'));
  });

  test('reports what changed, and nothing when nothing did', () => {
    const m = new WorkerMetrics();
    const a = m.calls('a', 's', 'v', 'stable');
    m.calls('b', 's', 'v', 'stable');
    expect(m.report()).toBeNull();
    a.begin();
    m.gateway[limitIndex.ping_flood]!++;
    m.gateway[GatewayCount.DOWNSTREAM_OPENED]! += 2;
    const report = m.report();
    expect(report?.names.map((name) => name.labels.route)).toEqual(['a', 'b']);
    expect(report?.data[0]).toBe(0);
    expect(report?.gateway?.[limitIndex.ping_flood]).toBe(1);
    expect(report?.gateway?.[GatewayCount.DOWNSTREAM_OPENED]).toBe(2);
    expect(m.report()).toBeNull();
    expect(m.report(true)?.names.length).toBe(2);
    a.begin();
    const later = m.report();
    expect(later?.names).toEqual([]);
    expect([later?.data[0], later?.data[1]]).toEqual([0, 2]);
  });
});
