import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTargetByte, isTokenByte } from './byte-classes.ts';
import { copyWords, targetEnd, tokenEnd, visibleEnd, WordView } from './scan.ts';

/** Bytes among which those at the edges of every class are frequent. */
const someByte = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x61, max: 0x7a }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(0, 9, 0x0d, 0x1f, 0x20, 0x21, 0x23, 0x2d, 0x3a, 0x40, 0x41, 0x5a, 0x5b),
  },
  { weight: 2, arbitrary: fc.constantFrom(0x60, 0x7b, 0x7e, 0x7f, 0x80, 0x8d, 0xa0, 0xe1, 0xff) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
);

const searches = [
  ['visibleEnd', visibleEnd, (b: number) => b >= 0x20 && b < 0x7f],
  ['tokenEnd', tokenEnd, (b: number) => isTokenByte[b] === 1],
  ['targetEnd', targetEnd, (b: number) => isTargetByte[b] === 1],
] as const;

describe.each(searches)('%s', (_, search, belongs) => {
  it('finds what a loop over the bytes finds, wherever it begins and ends', () => {
    fc.assert(
      fc.property(fc.array(someByte, { maxLength: 40 }), fc.nat(5), fc.nat(5), (list, skip, cut) => {
        // At an odd place in its memory, with bytes behind `end` that must not be looked at.
        const bytes = Buffer.from(new ArrayBuffer(64), 3, list.length);
        bytes.set(list);
        const at = Math.min(skip, list.length);
        const end = Math.max(at, list.length - cut);
        let expected = at;
        while (expected < end && belongs(bytes[expected]!)) expected++;
        expect(search(bytes, new WordView().of(bytes), at, end)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it('knows each byte at each place of a word', () => {
    for (let b = 0; b < 256; b++) {
      for (let place = 0; place < 8; place++) {
        const bytes = Buffer.alloc(8, 'a');
        bytes[place] = b;
        expect(search(bytes, new WordView().of(bytes), 0, 8), `${b} at ${place}`).toBe(
          belongs(b) ? 8 : place,
        );
      }
    }
  });
});

describe('copyWords', () => {
  it('copies these bytes and writes no others', () => {
    const view = new WordView();
    const from = Buffer.from(Array.from({ length: 32 }, (_, n) => n + 1));
    for (let start = 0; start < 9; start++) {
      for (let end = start; end <= 32; end++) {
        const to = Buffer.alloc(48);
        const words = new DataView(to.buffer, to.byteOffset, to.length);
        expect(copyWords(view.of(from), start, end, words, 7)).toBe(7 + end - start);
        const expected = Buffer.alloc(48);
        from.copy(expected, 7, start, end);
        expect(to).toEqual(expected);
      }
    }
  });
});
