import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';

describe('Random', () => {
  it('gives the sequence of xoshiro128**', () => {
    const seed = Buffer.alloc(16);
    for (let i = 0; i < 4; i++) seed.writeInt32LE(i + 1, i * 4);
    // State 1, 2, 3, 5 (the last is made odd); computed with the authors' C code.
    const random = new Random(seed);
    expect([random.next() >>> 0, random.next() >>> 0]).toEqual([11520, 0]);
  });

  it('spreads evenly', () => {
    const random = new Random();
    const counts = new Array<number>(7).fill(0);
    for (let n = 0; n < 70_000; n++) counts[random.below(7)]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    for (let n = 0; n < 1000; n++) expect(random.below(1)).toBe(0);
  });
});
