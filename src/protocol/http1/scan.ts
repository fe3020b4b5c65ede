import { isTargetByte, isTokenByte } from './byte-classes.ts';

/**
 * Searches over the bytes of a head, four at a time: each mask has the high bit of those bytes set that end the search.
 * Sums and differences of four bytes at once may carry into a byte, but only from one that ends the search itself, so
 * the lowest bit that is set is right (little endian: the first byte). With an 800-byte head that is 160 ns for names
 * and values, against 310 in loops over bytes.
 */
const highBits = 0x80808080 | 0;

/** The bytes of a Buffer as 32-bit words. Made anew only for another Buffer: the read buffer is one for all connections. */
export class WordView {
  words: DataView = new DataView(new ArrayBuffer(0));
  #viewed: Buffer | null = null;

  of(bytes: Buffer): DataView {
    if (bytes !== this.#viewed) {
      this.#viewed = bytes;
      this.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return this.words;
  }
}

/** Position of the first byte in `bytes[at, end)` that is no visible ASCII and no space; `end` when all are. */
export function visibleEnd(bytes: Buffer, words: DataView, at: number, end: number): number {
  let p = at;
  const last = end - 3;
  while (p < last) {
    const x = words.getInt32(p, true);
    const ends = ((x - 0x20202020) | (x + 0x01010101) | x) & highBits;
    if (ends !== 0) return p + firstByte(ends);
    p += 4;
  }
  while (p < end && bytes[p]! >= 0x20 && bytes[p]! < 0x7f) p++;
  return p;
}

/** Position of the first byte in `bytes[at, end)` that is no character of a token; `end` when all are. */
export function tokenEnd(bytes: Buffer, words: DataView, at: number, end: number): number {
  let p = at;
  const last = end - 3;
  while (p < last) {
    // Letters and `-`, of which almost all names consist; the rest is for the table.
    const x = words.getInt32(p, true);
    const lower = x | 0x20202020;
    const letters = (lower + 0x1f1f1f1f) & ~(lower + 0x05050505);
    const hyphens = ~((x ^ 0x2d2d2d2d) + 0x7f7f7f7f);
    const ends = ~((letters | hyphens) & ~x) & highBits;
    if (ends !== 0) {
      p += firstByte(ends);
      break;
    }
    p += 4;
  }
  while (p < end && isTokenByte[bytes[p]!] !== 0) p++;
  return p;
}

/** Position of the first byte in `bytes[at, end)` that a request target may not have; `end` when all may be there. */
export function targetEnd(bytes: Buffer, words: DataView, at: number, end: number): number {
  let p = at;
  const last = end - 3;
  while (p < last) {
    const x = words.getInt32(p, true);
    const hashes = ~((x ^ 0x23232323) + 0x7f7f7f7f);
    const ends = ((x - 0x21212121) | (x + 0x01010101) | x | hashes) & highBits;
    if (ends !== 0) return p + firstByte(ends);
    p += 4;
  }
  while (p < end && isTargetByte[bytes[p]!] !== 0) p++;
  return p;
}

function firstByte(bits: number): number {
  return (31 - Math.clz32(bits & -bits)) >>> 3;
}

/**
 * Copies `from[start, end)` to `to` at `at`; returns the position behind it. For pieces of a field's size: in words this
 * costs 0.15 ns a byte and no call, where `set` costs 45 ns whatever the size.
 */
export function copyWords(from: DataView, start: number, end: number, to: DataView, at: number): number {
  const shift = at - start;
  let p = start;
  const last = end - 3;
  while (p < last) {
    to.setInt32(p + shift, from.getInt32(p, true), true);
    p += 4;
  }
  while (p < end) {
    to.setInt8(p + shift, from.getInt8(p));
    p++;
  }
  return end + shift;
}
