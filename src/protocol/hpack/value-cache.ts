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

  /** The value of the literal in `bytes[start, end)`, which was validated before. */
  get(bytes: Buffer, start: number, end: number): T {
    const length = end - start;
    if (length > longestCached) return this.#make(read(bytes, start, end));
    let hash = length;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    const at = (hash ^ (hash >>> 15)) & (this.#slots.length - 1);
    const slot = this.#slots[at];
    if (slot !== undefined && slot.encoded.length === length && same(slot.encoded, bytes, start, length)) {
      return slot.value;
    }
    const wire = read(bytes, start, end);
    const value = this.#make(wire);
    this.#slots[at] = { encoded: wire.encoded, value };
    return value;
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
