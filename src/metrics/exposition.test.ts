import { describe, expect, test } from 'vitest';
import { chooseFormat, render } from './exposition.ts';
import { metricFamilies } from './families.ts';
import { MergedMetrics } from './merged-metrics.ts';
import { WorkerMetrics } from './worker-metrics.ts';

function scrape() {
  const worker = new WorkerMetrics();
  const series = worker.calls('hello "x"\\', 'svc:80', 'v1', 'stable');
  series.begin();
  series.firstByte(900);
  series.end(200, 0, 0, 1200);
  for (const code of [777, 888]) {
    series.begin();
    series.end(code, -1, 0, 70_000_000);
  }
  const merged = new MergedMetrics(100);
  merged.apply(1, structuredClone(worker.report()!));
  return metricFamilies({
    totals: merged.totals(),
    gateway: merged.gateway(),
    weights: [{ route: 'r', service: 's', version: 'v', role: 'stable', mapping: 'm.default', share: 0.8 }],
    endpoints: [{ service: 's', ready: 2 }],
    configErrors: 1,
    configWarnings: 2,
    configRevision: 7,
    workers: 1,
    workerDeaths: 0,
    seriesFolded: 0,
    build: { version: '0.1.0' },
    startTime: 1_700_000_000.5,
  });
}

describe('exposition (report 24)', () => {
  test('classic: TYPE once for each metric, its samples together, nothing behind a sample', () => {
    const text = render(scrape(), 'text');
    const types = text.split('\n').filter((l) => l.startsWith('# TYPE '));
    expect(new Set(types).size).toBe(types.length);
    const seen: string[] = [];
    let family = '';
    for (const line of text.trimEnd().split('\n')) {
      if (line.startsWith('# TYPE ')) family = line.split(' ')[2]!;
      if (line.startsWith('#')) continue;
      expect(line).toMatch(/^[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? \S+$/);
      expect(line.startsWith(family)).toBe(true);
      seen.push(line.slice(0, line.lastIndexOf(' ')));
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(text).not.toContain('# EOF');
  });

  test('count, +Inf bucket and counter agree, buckets are monotone', () => {
    const lines = render(scrape(), 'text').split('\n');
    const value = (start: string) =>
      lines.filter((l) => l.startsWith(start)).map((l) => Number(l.slice(l.lastIndexOf(' ') + 1)));
    const buckets = value('serin_request_duration_seconds_bucket');
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
    expect(buckets.at(-1)).toBe(3);
    expect(value('serin_request_duration_seconds_count')).toEqual([3]);
    expect(value('serin_requests_total').reduce((a, b) => a + b, 0)).toBe(3);
    expect(value('serin_request_duration_seconds_sum')[0]).toBeCloseTo(140.0012, 6);
  });

  test('OpenMetrics: families without _total, # EOF last and once', () => {
    const text = render(scrape(), 'openmetrics');
    expect(text).toContain('# TYPE serin_requests counter\n');
    expect(text).toContain('serin_requests_total{');
    expect(text).toContain('le="1.0"');
    expect(text.match(/# EOF/g)?.length).toBe(1);
    expect(text.endsWith('# EOF\n')).toBe(true);
  });

  test.each([
    [undefined, 'text'],
    ['*/*', 'text'],
    ['text/plain;version=0.0.4', 'text'],
    ['application/openmetrics-text;version=1.0.0,text/plain;q=0.5', 'openmetrics'],
    ['application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.9', 'text'],
    ['application/openmetrics-text;version=9.9.9', 'text'],
  ])('Accept: %s gives %s', (accept, format) => {
    expect(chooseFormat(accept)).toBe(format);
  });
});
