import { expect, test } from 'vitest';
import { ObservedShares } from './observed-shares.ts';

test('the share is that of the window’s calls, in percent', () => {
  const shares = new ObservedShares(60_000);
  expect(shares.sample(0, 'a', { canary: 5, all: 10 })).toBeNull();
  expect(shares.sample(10_000, 'a', { canary: 7, all: 30 })).toBe(10);
  expect(shares.sample(60_000, 'a', { canary: 7, all: 50 })).toBe(5);
  // The sample at 0 is outside of the window by now, the one at 10 s is its base.
  expect(shares.sample(75_000, 'a', { canary: 57, all: 100 })).toBe(71.4);
  expect(shares.sample(140_000, 'a', { canary: 57, all: 100 })).toBeNull();
});

test('counts that go down begin anew, and a canary that is gone is forgotten', () => {
  const shares = new ObservedShares(60_000);
  shares.sample(0, 'a', { canary: 50, all: 100 });
  expect(shares.sample(1000, 'a', { canary: 0, all: 3 })).toBeNull();
  expect(shares.sample(2000, 'a', { canary: 1, all: 5 })).toBe(50);
  shares.retain(new Set());
  expect(shares.sample(3000, 'a', { canary: 2, all: 9 })).toBeNull();
});
