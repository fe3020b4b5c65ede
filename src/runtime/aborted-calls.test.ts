import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SplitState } from '../compiler/canaries/split-state.ts';
import { AbortedCalls } from './aborted-calls.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const at = '2026-01-01T00:00:00Z';
const aborted = (endStreamsS?: number, when = at): SplitState => ({
  kind: 'Canary',
  name: 'web.default',
  revision: 'version=v2',
  weight: 0,
  specWeight: 20,
  overlay: {
    weight: 0,
    state: 'aborted',
    revision: 'version=v2',
    by: '',
    at: when,
    ...(endStreamsS === undefined ? {} : { endStreamsS }),
  },
  calls: { service: 'web.default', port: 80, version: 'v2' },
});
const now = Date.parse(at);

test('running calls are ended once, when the time is over', () => {
  const end = vi.fn();
  const calls = new AbortedCalls(end);
  calls.update([aborted(30)], now);
  calls.update([aborted(30)], now + 1000);
  vi.advanceTimersByTime(29_000);
  expect(end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  calls.update([aborted(30)], now + 60_000);
  vi.advanceTimersByTime(60_000);
  expect(end.mock.calls).toEqual([[{ service: 'web.default', port: 80, version: 'v2' }]]);
});

test('not where they may finish, where the abort was taken back, nor long after it', () => {
  const end = vi.fn();
  const calls = new AbortedCalls(end);
  calls.update([aborted()], now);
  calls.update([aborted(5)], now);
  calls.update([], now + 1000);
  calls.update([aborted(5)], now + 120_000);
  vi.advanceTimersByTime(300_000);
  expect(end).not.toHaveBeenCalled();
});

test('a second abort counts by its own time', () => {
  const end = vi.fn();
  const calls = new AbortedCalls(end);
  calls.update([aborted(5)], now);
  calls.update([aborted(5, '2026-01-01T00:00:04Z')], now + 4000);
  vi.advanceTimersByTime(1500);
  expect(end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(4000);
  expect(end).toHaveBeenCalledTimes(1);
});

test('a time that no timer takes is not over at once', () => {
  const end = vi.fn();
  const calls = new AbortedCalls(end);
  const days = 86_400;
  calls.update([aborted(30 * days)], now);
  vi.advanceTimersByTime(60_000);
  expect(end).not.toHaveBeenCalled();
  calls.update([aborted(30 * days)], now + 29 * days * 1000);
  vi.advanceTimersByTime(days * 1000);
  expect(end).toHaveBeenCalledOnce();
});
