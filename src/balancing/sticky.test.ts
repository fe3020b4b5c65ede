import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memberAt, stickyPoint } from './sticky.ts';
import { xxhash64 } from './xxhash64.ts';

test.each([
  ['', 'ef46db3751d8e999'],
  ['a', 'd24ec4f1a98c6e5b'],
  ['abc', '44bc2cf5ad770999'],
  ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
])('xxhash64 of %j is %s', (text, hash) => {
  expect(xxhash64(Buffer.from(text)).toString(16).padStart(16, '0')).toBe(hash);
});

test('each member gets its share of many keys', () => {
  const counts = [0, 0];
  for (let i = 0; i < 20_000; i++) counts[memberAt(stickyPoint('s', `user-${i}`), [1, 19], 20)]!++;
  expect(counts[0]! / 20_000).toBeGreaterThan(0.044);
  expect(counts[0]! / 20_000).toBeLessThan(0.056);
});

test('raising the weight only ever moves keys to the canary', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: 0, max: 10_000 }),
      fc.integer({ min: 0, max: 10_000 }),
      (key, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const point = stickyPoint('quote.default', key);
        const before = memberAt(point, [low, 10_000 - low], 10_000);
        const after = memberAt(point, [high, 10_000 - high], 10_000);
        expect(before === 0 && after === 1).toBe(false);
      },
    ),
  );
});

test('no share, no member; another seed, other points', () => {
  expect(memberAt(0, [0, 0], 1)).toBe(-1);
  expect(memberAt(999_999, [1, 0], 1)).toBe(0);
  expect(stickyPoint('a', 'key')).not.toBe(stickyPoint('b', 'key'));
});
