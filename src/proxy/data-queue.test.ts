import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataQueue } from './data-queue.ts';

describe('DataQueue', () => {
  it('gives back the bytes that went in, in order, however they are cut', () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 0, max: 20_000 }) }),
      fc.record({ take: fc.integer({ min: 0, max: 24_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new DataQueue();
        let [written, read] = [0, 0];
        for (const one of steps) {
          if ('push' in one) {
            const bytes = Buffer.from(
              Array.from({ length: one.push + 2 }, (_, i) => (written + i - 1) & 255),
            );
            queue.push(bytes, 1, one.push + 1);
            bytes.fill(0);
            written += one.push;
            continue;
          }
          const target = Buffer.alloc(one.take + 2);
          const moved = queue.take(target, 1, one.take);
          expect(moved).toBe(Math.min(one.take, written - read));
          for (let i = 0; i < moved; i++)
            if (target[i + 1] !== ((read + i) & 255)) expect.fail(`byte ${read + i}`);
          expect(target[moved + 1]).toBe(0);
          read += moved;
          expect(queue.length).toBe(written - read);
        }
      }),
      { numRuns: 300 },
    );
  });
});
