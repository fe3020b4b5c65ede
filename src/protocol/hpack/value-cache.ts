import { huffmanDecode } from './huffman.ts';
import { cursor, readInteger } from './integer.ts';

/** A header value: its bytes as they came on the wire, and its text. */
export interface WireValue {
  /** The bytes that it was found by: length prefix and string (RFC 7541 5.2), or the text alone in a cache of plain text. */
  readonly encoded: Buffer;
  readonly text: string;
}

const longestCached = 1024;
const firstSlots = 256;
/** Places that are looked at for one literal. */
const mostProbes = 8;

/**
 * From the bytes of a string literal to what was made of its text (a parsed path, an authority), so that a
 * value that comes again is neither decoded nor parsed. A hash table that grows to `mostSlots` and is at most
 * half full; from then on a newer value takes an older one's place. What is in it depends on the bytes alone.
 * A value is kept from its second sighting on: what a scanner invents dies young, and pushes nothing out.
 */
export class ValueCache<T extends object> {
  readonly #make: (value: WireValue) => T;
  readonly #mostSlots: number;
  readonly #textOf: (bytes: Buffer, start: number, end: number) => string;
  #hashes = new Int32Array(firstSlots);
  #encoded: (Buffer | undefined)[] = new Array(firstSlots).fill(undefined);
  #values: (T | undefined)[] = new Array(firstSlots).fill(undefined);
  #count = 0;
  /** Hashes of literals that were seen once; begun anew when they are as many as there may be slots. */
  readonly #seen = new Set<number>();

  /**
   * @param mostSlots a power of two, 256 and more.
   * @param textOf how the text is read from the bytes: a string literal of HPACK unless said otherwise.
   */
  constructor(
    mostSlots: number,
    make: (value: WireValue) => T,
    textOf: (bytes: Buffer, start: number, end: number) => string = literalText,
  ) {
    this.#mostSlots = mostSlots;
    this.#make = make;
    this.#textOf = textOf;
  }

  /** What was made of the same literal before, or null. Only validated literals were ever put in. */
  find(bytes: Buffer, start: number, end: number): T | null {
    return this.#find(hashOf(bytes, start, end), bytes, start, end);
  }

  /** The value of the literal in `bytes[start, end)`, which was validated before. */
  get(bytes: Buffer, start: number, end: number): T {
    const hash = hashOf(bytes, start, end);
    const found = this.#find(hash, bytes, start, end);
    if (found !== null) return found;
    const encoded = Buffer.allocUnsafeSlow(end - start);
    bytes.copy(encoded, 0, start, end);
    const wire: WireValue = { encoded, text: this.#textOf(bytes, start, end) };
    const value = this.#make(wire);
    if (end - start <= longestCached && this.#isSecond(hash)) this.#put(hash, encoded, value);
    return value;
  }

  #isSecond(hash: number): boolean {
    if (this.#seen.delete(hash)) return true;
    if (this.#seen.size >= this.#mostSlots) this.#seen.clear();
    this.#seen.add(hash);
    return false;
  }

  #find(hash: number, bytes: Buffer, start: number, end: number): T | null {
    const mask = this.#hashes.length - 1;
    const length = end - start;
    for (let n = 0; n < mostProbes; n++) {
      const at = (hash + n) & mask;
      const encoded = this.#encoded[at];
      if (encoded === undefined) return null;
      if (this.#hashes[at] === hash && encoded.length === length && same(encoded, bytes, start, length)) {
        return this.#values[at]!;
      }
    }
    return null;
  }

  #put(hash: number, encoded: Buffer, value: T): void {
    if (this.#count * 2 >= this.#hashes.length && this.#hashes.length < this.#mostSlots) this.#grow();
    const mask = this.#hashes.length - 1;
    let at = hash & mask;
    for (let n = 0; n < mostProbes; n++) {
      const candidate = (hash + n) & mask;
      if (this.#encoded[candidate] !== undefined) continue;
      // Past half full nothing is added, only replaced: probing stays short.
      if (this.#count * 2 >= this.#hashes.length) break;
      at = candidate;
      this.#count++;
      break;
    }
    this.#hashes[at] = hash;
    this.#encoded[at] = encoded;
    this.#values[at] = value;
  }

  #grow(): void {
    const [hashes, encoded, values] = [this.#hashes, this.#encoded, this.#values];
    const slots = hashes.length * 2;
    this.#hashes = new Int32Array(slots);
    this.#encoded = new Array<Buffer | undefined>(slots).fill(undefined);
    this.#values = new Array<T | undefined>(slots).fill(undefined);
    this.#count = 0;
    for (const [i, one] of encoded.entries()) {
      if (one !== undefined) this.#put(hashes[i]!, one, values[i]!);
    }
  }
}

function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function same(encoded: Buffer, bytes: Buffer, start: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (encoded[i] !== bytes[start + i]) return false;
  return true;
}

/** For a cache whose keys are the bytes of a text (latin1) themselves. */
export function plainText(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end);
}

let scratch = Buffer.allocUnsafeSlow(4096);

/** Text (latin1) of the valid string literal in `bytes[start, end)`. */
export function literalText(bytes: Buffer, start: number, end: number): string {
  const huffman = bytes[start]! & 0x80;
  readInteger(bytes, start, end, 0x7f);
  const from = cursor.position;
  if (huffman === 0) return bytes.toString('latin1', from, end);
  const most = (end - from) * 2;
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most);
  return scratch.toString('latin1', 0, huffmanDecode(bytes, from, end, scratch, 0));
}
