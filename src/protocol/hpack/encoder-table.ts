import { cursor, readInteger, writeInteger } from './integer.ts';
import { type InternedField, internedSlots } from './interned.ts';
import { staticCount } from './static-table.ts';

/** Largest table that is used, whatever the peer allows. */
const mostBytes = 4096;

/**
 * What was put into the dynamic table of an upstream (RFC 7541 2.3.2): interned long fields only, so that a
 * token that comes with every call costs one byte and not several hundred. A field is referred to only by a
 * request that carried the whole of it itself, so nobody learns another's (RFC 7541 7.1).
 */
export class EncoderTable {
  #limit = mostBytes;
  #size = 0;
  #inserted = 0;
  #dropped = 0;
  /** Entry sizes from `#dropped` to `#inserted`, in a ring. */
  readonly #sizes = new Int32Array(128);
  readonly #positions = new Int32Array(internedSlots).fill(-1);
  readonly #generations = new Int32Array(internedSlots);
  /** The size that the peer was told last, and the smallest that it has asked for since. */
  #announced = mostBytes;
  #smallest = mostBytes;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  allow(bytes: number): void {
    this.#limit = Math.min(bytes, mostBytes);
    this.#smallest = Math.min(this.#smallest, this.#limit);
    this.#evict(0);
  }

  /**
   * Writes what has to stand at the beginning of the next block (at most 6 bytes); returns the position behind it.
   * A size that grows is said as well, or the peer would go on evicting at the smaller one; and so is the
   * smallest in between (RFC 7541 4.2).
   */
  begin(target: Buffer, at: number): number {
    if (this.#limit === this.#announced && this.#smallest === this.#limit) return at;
    let to = at;
    if (this.#smallest < this.#limit && this.#smallest < this.#announced) {
      to = writeInteger(target, to, this.#smallest, 0x1f, 0x20);
    }
    this.#announced = this.#smallest = this.#limit;
    return writeInteger(target, to, this.#limit, 0x1f, 0x20);
  }

  /** Writes `field` as an index, or as a literal that makes it one; never longer than its plain form. */
  write(target: Buffer, at: number, field: InternedField): number {
    const position = this.#positions[field.slot]!;
    if (position >= this.#dropped && this.#generations[field.slot] === field.generation) {
      return writeInteger(target, at, staticCount + this.#inserted - position, 0x7f, 0x80);
    }
    const bytes = field.bytes;
    if (field.tableSize > this.#limit) {
      target.set(bytes, at);
      return at + bytes.length;
    }
    const name = readInteger(bytes, 0, bytes.length, 0x0f);
    const rest = cursor.position;
    this.#evict(field.tableSize);
    this.#sizes[this.#inserted % this.#sizes.length] = field.tableSize;
    this.#positions[field.slot] = this.#inserted++;
    this.#generations[field.slot] = field.generation;
    this.#size += field.tableSize;
    target[at] = 0x40 | name;
    target.set(bytes.subarray(rest), at + 1);
    return at + 1 + bytes.length - rest;
  }

  #evict(needed: number): void {
    while (this.#size > 0 && this.#size + needed > this.#limit) {
      this.#size -= this.#sizes[this.#dropped++ % this.#sizes.length]!;
    }
  }
}
