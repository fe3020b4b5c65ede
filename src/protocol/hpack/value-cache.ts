import { huffmanDecode } from './huffman.ts';
import { cursor, readInteger } from './integer.ts';

/** A header value: the string literal as it came on the wire, and its text. */
export interface WireValue {
  /** Length prefix and bytes (RFC 7541 5.2), to be written again as they are. */
  readonly encoded: Buffer;
  readonly text: string;
}

interface Slot<T> {
  readonly encoded: Buffer;
  readonly value: T;
}

const longestCached = 1024;

/**
 * From the bytes of a string literal to what was made of its text (a parsed path, an authority), so that a
 * value that comes again is neither decoded nor parsed. Direct-mapped and bounded: a newer value takes an
 * older one's place; what is in it depends on the bytes alone.
 */
export class ValueCache<T extends object> {
  readonly #slots: (Slot<T> | undefined)[];
  readonly #make: (value: WireValue) => T;

  /** @param slots a power of two. */
  constructor(slots: number, make: (value: WireValue) => T) {
    this.#slots = new Array(slots).fill(undefined);
    this.#make = make;
  }

  /** What was made of the same literal before, or null. Only validated literals were ever put in. */
  find(bytes: Buffer, start: number, end: number): T | null {
    const length = end - start;
    if (length > longestCached) return null;
    const slot = this.#slots[this.#place(bytes, start, end)];
    if (slot === undefined || slot.encoded.length !== length) return null;
    return same(slot.encoded, bytes, start, length) ? slot.value : null;
  }

  /** The value of the literal in `bytes[start, end)`, which was validated before. */
  get(bytes: Buffer, start: number, end: number): T {
    const found = this.find(bytes, start, end);
    if (found !== null) return found;
    const wire = read(bytes, start, end);
    const value = this.#make(wire);
    if (end - start <= longestCached) {
      this.#slots[this.#place(bytes, start, end)] = { encoded: wire.encoded, value };
    }
    return value;
  }

  #place(bytes: Buffer, start: number, end: number): number {
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    return (hash ^ (hash >>> 15)) & (this.#slots.length - 1);
  }
}

function same(encoded: Buffer, bytes: Buffer, start: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (encoded[i] !== bytes[start + i]) return false;
  return true;
}

function read(bytes: Buffer, start: number, end: number): WireValue {
  const encoded = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(encoded, 0, start, end);
  return { encoded, text: literalText(bytes, start, end) };
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
