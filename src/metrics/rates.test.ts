import { expect, test } from 'vitest';
import { outcomeKey } from './call-series.ts';
import { reasonIndex } from './catalog.ts';
import { failureKind, isFailure } from './outcomes.ts';
import { RateWindow } from './rates.ts';

const labels = { route: 'r', service: 's', version: 'v', role: 'stable' };
const ok = outcomeKey(200, 0, 0);
const bad = outcomeKey(200, 14, reasonIndex.connect_failed);

test('calls and failures a second over the last ten seconds', () => {
  const window = new RateWindow(10_000);
  for (let second = 0; second <= 60; second++) {
    const calls = second < 40 ? second * 100 : 4000 + (second - 40) * 10;
    window.sample(second * 1000, [
      {
        labels,
        ended: calls,
        outcomes: new Map([
          [ok, calls - second],
          [bad, second],
        ]),
      },
    ]);
  }
  expect(window.of(labels)).toEqual({ calls: 10, failures: 1 });
  expect(window.of({ ...labels, version: 'w' })).toEqual({ calls: 0, failures: 0 });
});

test('a client that hangs up is no failure of the service', () => {
  expect(isFailure(outcomeKey(0, 1, reasonIndex.cancelled))).toBe(false);
  expect(isFailure(outcomeKey(200, 5, 0))).toBe(false);
  expect(isFailure(outcomeKey(200, 14, 0))).toBe(true);
  expect(isFailure(outcomeKey(500, -1, 0))).toBe(true);
  expect([
    failureKind(bad),
    failureKind(outcomeKey(200, 14, 0)),
    failureKind(outcomeKey(502, -1, 0)),
  ]).toEqual(['connect_failed', 'grpc_14', 'http_5xx']);
});
