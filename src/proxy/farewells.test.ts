import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Farewells } from './farewells.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
afterEach(() => void vi.useRealTimers());

function closable(name: string, log: string[]) {
  return { destroy: () => void log.push(name) };
}

test('each is closed when its time is over, unless it has gone before', () => {
  const log: string[] = [];
  const farewells = new Farewells(2000, () => Date.now());
  const [a, b, c] = [closable('a', log), closable('b', log), closable('c', log)];
  farewells.add(a);
  const gone = farewells.add(b);
  vi.advanceTimersByTime(1500);
  farewells.add(c);
  farewells.delete(gone);
  vi.advanceTimersByTime(499);
  expect(log).toEqual([]);
  vi.advanceTimersByTime(3);
  expect(log).toEqual(['a']);
  vi.advanceTimersByTime(1490);
  expect(log).toEqual(['a']);
  vi.advanceTimersByTime(20);
  expect(log).toEqual(['a', 'c']);
  expect(vi.getTimerCount()).toBe(0);
});

test('one timer for all, and none when nobody waits', () => {
  const farewells = new Farewells(2000, () => Date.now());
  const all = Array.from({ length: 100 }, () => closable('x', []));
  const waiting = all.map((one) => farewells.add(one));
  expect(vi.getTimerCount()).toBe(1);
  for (const one of waiting) farewells.delete(one);
  farewells.delete(waiting[0]!);
  vi.advanceTimersByTime(2001);
  expect(vi.getTimerCount()).toBe(0);
});
