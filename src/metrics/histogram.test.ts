import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LogLinearHistogram } from './histogram.ts';
import { Packer, Unpacker } from './packing.ts';

function packed(histogram: LogLinearHistogram, all: boolean): Float64Array {
  const packer = new Packer();
  histogram.pack(packer, all);
  return packer.take();
}

const values = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 200 }),
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    fc.integer({ min: 2 ** 30, max: 2 ** 46 }),
  ),
  { minLength: 1, maxLength: 200 },
);

describe('log-linear histogram', () => {
  test('every quantile is within 1 % of a value that was recorded', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
        const h = new LogLinearHistogram();
        for (const v of list) h.record(v);
        const sorted = [...list].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(q * list.length)) - 1]!;
        expect(Math.abs(h.quantile(q) - exact)).toBeLessThanOrEqual(exact * 0.01);
      }),
    );
  });

  test('count and sum are exact', () => {
    const h = new LogLinearHistogram();
    for (const v of [0, 1, 63, 64, 65, 127, 128, 1_010_000, 5_000_000_000]) h.record(v);
    expect(h.count).toBe(9);
    expect(h.sum).toBe(0 + 1 + 63 + 64 + 65 + 127 + 128 + 1_010_000 + 5_000_000_000);
  });

  test('of 950 at 10 ms and 50 at 3 s p94 is 10 ms and p96 3 s: nothing between is invented (report 23)', () => {
    const h = new LogLinearHistogram();
    for (let i = 0; i < 950; i++) h.record(10_000);
    for (let i = 0; i < 50; i++) h.record(3_000_000);
    expect(h.quantile(0.94) / 10_000).toBeCloseTo(1, 1.9);
    expect(Math.abs(h.quantile(0.96) / 3_000_000 - 1)).toBeLessThan(0.01);
  });

  test('merging equals recording everything in one', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const [one, two, both] = [
          new LogLinearHistogram(),
          new LogLinearHistogram(),
          new LogLinearHistogram(),
        ];
        for (const v of a) one.record(v);
        for (const v of b) two.record(v);
        for (const v of [...a, ...b]) both.record(v);
        one.merge(two);
        expect(packed(one, true)).toEqual(packed(both, true));
      }),
    );
  });

  test('dumps of what changed add up to the whole', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const from = new LogLinearHistogram();
        const to = new LogLinearHistogram();
        for (const part of [a, b]) {
          for (const v of part) from.record(v);
          to.unpack(new Unpacker(packed(from, false)));
        }
        expect(packed(to, true)).toEqual(packed(from, true));
      }),
    );
  });

  test('le buckets are monotone and end at the count', () => {
    const h = new LogLinearHistogram();
    for (const v of [900, 5_000, 5_000, 50_000, 9_900_000]) h.record(v);
    expect(h.cumulative([1_000, 10_000, 100_000, 1_000_000, 10_000_000])).toEqual([1, 3, 4, 4, 5]);
  });

  test('an empty one has no quantile', () => {
    expect(new LogLinearHistogram().quantile(0.5)).toBeNaN();
  });

  test('less than zero and fractions are whole numbers from zero on', () => {
    const h = new LogLinearHistogram();
    h.record(-5);
    h.record(3.9);
    expect(h.sum).toBe(3);
  });
});
