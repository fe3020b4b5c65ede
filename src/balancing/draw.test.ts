import { describe, expect, it } from 'vitest';
import { SplitDraw } from './draw.ts';

/** A small deterministic generator (mulberry32), so that a failure can be repeated. */
function generator(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
}

describe('SplitDraw', () => {
  it.each([
    [20, 100],
    [1, 3],
    [33, 100],
    [99, 100],
    [1, 1000],
    [62, 100],
  ])('keeps the count at ⌊n·w⌋ or ⌈n·w⌉ for %i of %i', (share, whole) => {
    const draw = new SplitDraw([share, whole - share], whole);
    const random = generator(share * 7 + whole);
    let count = 0;
    for (let n = 1; n <= 20_000; n++) {
      if (draw.next(random) === 0) count++;
      expect(count).toBeGreaterThanOrEqual(Math.floor((n * share) / whole));
      expect(count).toBeLessThanOrEqual(Math.ceil((n * share) / whole));
    }
  });

  it('gives each place of a run the same chance', () => {
    const places = new Array<number>(5).fill(0);
    for (let seed = 0; seed < 20_000; seed++) {
      const draw = new SplitDraw([1, 4], 5);
      const random = generator(seed);
      for (let n = 0; n < 5; n++) if (draw.next(random) === 0) places[n]!++;
    }
    for (const count of places) expect(Math.abs(count - 4000)).toBeLessThan(4 * Math.sqrt(4000));
  });

  it('has the chance w at each call for a share that does not divide its denominator', () => {
    const hits = new Array<number>(12).fill(0);
    for (let seed = 0; seed < 20_000; seed++) {
      const draw = new SplitDraw([37, 63], 100);
      const random = generator(seed * 31 + 5);
      for (let n = 0; n < hits.length; n++) if (draw.next(random) === 0) hits[n]!++;
    }
    for (const count of hits) expect(Math.abs(count / 20_000 - 0.37)).toBeLessThan(0.017);
  });

  it('keeps each of several members within one call of its share', () => {
    const shares = [5, 10, 25, 60];
    const draw = new SplitDraw(shares, 100);
    const random = generator(11);
    const counts = [0, 0, 0, 0];
    let worst = 0;
    for (let n = 1; n <= 50_000; n++) {
      counts[draw.next(random)]!++;
      for (let i = 0; i < 4; i++) worst = Math.max(worst, Math.abs(counts[i]! - (n * shares[i]!) / 100));
    }
    expect(worst).toBeLessThan(2);
  });

  it('never gives a call to a share of 0, and -1 when all are 0', () => {
    const draw = new SplitDraw([0, 7, 0], 7);
    for (let n = 0; n < 100; n++) expect(draw.next(() => 0)).toBe(1);
    expect(new SplitDraw([0, 0], 1).next(() => 0)).toBe(-1);
  });
});
