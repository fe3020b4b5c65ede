/**
 * The dynamic table of a peer's encoder (RFC 7541 2.3.2), kept in the form in which its fields go on: each
 * entry is the bytes of a *literal without indexing*, ready to be copied upstream.
 * The bytes lie in a ring that grows to twice the table's size at most: an entry's bytes are never longer
 * than its size in the table, and one entry's length is lost at the end of the ring.
 */
export class DecoderTable {
  /** What SETTINGS_HEADER_TABLE_SIZE allows, in bytes. */
  readonly limit: number;
  bytes: Buffer = empty;
  /** What the decoder wants to find again beside an entry: a parsed path, a method, an interned field. */
  refs: (object | string | null)[] = [];
  /** Per entry: offset, length, kind, table size, length of the name's part, a number, length of the value. */
  meta: Int32Array = emptyMeta;
  count = 0;
  #max: number;
  #size = 0;
  #mask = -1;
  #newest = -1;
  #head = 0;

  /** @param limit 0 to 65,536 bytes. */
  constructor(limit: number) {
    this.limit = limit;
    this.#max = limit;
  }

  /** Index of the slot of dynamic entry `i` (0 = newest), or -1 when there is none. */
  slot(i: number): number {
    return i < this.count ? (this.#newest - i) & this.#mask : -1;
  }

  /** A size update (RFC 7541 6.3); false when it is above what was allowed. */
  resize(max: number): boolean {
    if (max > this.limit) return false;
    this.#max = max;
    this.#evict(0);
    return true;
  }

  /** Adds an entry whose plain form is `source[start, end)`; one that is larger than the table empties it. */
  add(
    source: Buffer,
    start: number,
    end: number,
    kind: number,
    nameLength: number,
    tableSize: number,
    value: number,
    valueLength: number,
    ref: object | string | null,
  ): void {
    this.#evict(tableSize);
    if (tableSize > this.#max) return;
    const length = end - start;
    const offset = this.#place(length);
    const bytes = this.bytes;
    if (length < 24) for (let i = 0; i < length; i++) bytes[offset + i] = source[start + i]!;
    else source.copy(bytes, offset, start, end);
    if (this.count > this.#mask) this.#growSlots();
    this.#newest = (this.#newest + 1) & this.#mask;
    const at = this.#newest * metaFields;
    const meta = this.meta;
    meta[at + metaOffset] = offset;
    meta[at + metaLength] = length;
    meta[at + metaKind] = kind;
    meta[at + metaSize] = tableSize;
    meta[at + metaNameLength] = nameLength;
    meta[at + metaNumber] = value;
    meta[at + metaValueLength] = valueLength;
    this.refs[this.#newest] = ref;
    this.#size += tableSize;
    this.count++;
    this.#head = offset + length;
  }

  #oldest(): number {
    return (this.#newest - this.count + 1) & this.#mask;
  }

  #evict(needed: number): void {
    while (this.count > 0 && this.#size + needed > this.#max) {
      const slot = this.#oldest();
      this.#size -= this.meta[slot * metaFields + metaSize]!;
      this.refs[slot] = null;
      this.count--;
    }
  }

  /** Where `length` bytes can go without touching a live entry. */
  #place(length: number): number {
    for (;;) {
      const capacity = this.bytes.length;
      if (this.count === 0) {
        if (length <= capacity) return 0;
      } else {
        const tail = this.meta[this.#oldest() * metaFields + metaOffset]!;
        if (this.#head > tail) {
          if (this.#head + length <= capacity) return this.#head;
          if (length <= tail) return 0;
        } else if (this.#head + length <= tail) return this.#head;
      }
      this.#growBytes();
    }
  }

  #growBytes(): void {
    const before = this.bytes;
    this.bytes = Buffer.allocUnsafeSlow(before.length === 0 ? 512 : before.length * 2);
    let to = 0;
    for (let i = this.count - 1; i >= 0; i--) {
      const at = this.slot(i) * metaFields;
      const offset = this.meta[at + metaOffset]!;
      const length = this.meta[at + metaLength]!;
      before.copy(this.bytes, to, offset, offset + length);
      this.meta[at + metaOffset] = to;
      to += length;
    }
    this.#head = to;
  }

  #growSlots(): void {
    const slots = this.#mask < 0 ? 8 : (this.#mask + 1) * 2;
    const meta = new Int32Array(slots * metaFields);
    const refs: (object | string | null)[] = new Array(slots).fill(null);
    for (let i = 0; i < this.count; i++) {
      const from = this.slot(this.count - 1 - i);
      meta.set(this.meta.subarray(from * metaFields, (from + 1) * metaFields), i * metaFields);
      refs[i] = this.refs[from]!;
    }
    this.meta = meta;
    this.refs = refs;
    this.#mask = slots - 1;
    this.#newest = this.count - 1;
  }
}

const empty = Buffer.alloc(0);
const emptyMeta = new Int32Array(0);

/** Fields of an entry in {@link DecoderTable.meta}: multiply the slot by `metaFields` and add. */
export const metaFields = 8;
export const metaOffset = 0;
export const metaLength = 1;
export const metaKind = 2;
export const metaSize = 3;
export const metaNameLength = 4;
export const metaNumber = 5;
export const metaValueLength = 6;
