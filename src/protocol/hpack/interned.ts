/** A long field that was seen more than once, in its plain encoded form (literal without indexing). */
export interface InternedField {
  /** 0 to `internedSlots - 1`; together with `generation` names it in an upstream connection's table. */
  readonly slot: number;
  readonly generation: number;
  readonly bytes: Buffer;
  /** Size in a dynamic table: name + value + 32 (RFC 7541 4.1). */
  readonly tableSize: number;
}

/** How many long fields are remembered. */
export const internedSlots = 512;

const seenSlots = 2048;

/**
 * Long fields that repeat (tokens, certificates): remembered from their second sighting on, so that they can
 * be put into the dynamic table of an upstream connection. Bounded; a newer field takes an older one's place.
 */
export class InternedFields {
  readonly #fields: (InternedField | undefined)[] = new Array(internedSlots).fill(undefined);
  readonly #seen = new Int32Array(seenSlots);
  #generation = 0;

  /** The field in `bytes`, or null when this is the first time that it is seen. */
  sight(bytes: Buffer, start: number, end: number, tableSize: number): InternedField | null {
    const hash = sampleHash(bytes, start, end);
    const slot = (hash >>> 1) % internedSlots;
    const field = this.#fields[slot];
    if (
      field !== undefined &&
      field.bytes.length === end - start &&
      field.bytes.compare(bytes, start, end) === 0
    ) {
      return field;
    }
    const seen = (hash >>> 3) % seenSlots;
    if (this.#seen[seen] !== hash) {
      this.#seen[seen] = hash;
      return null;
    }
    const copy = Buffer.allocUnsafeSlow(end - start);
    bytes.copy(copy, 0, start, end);
    const made: InternedField = { slot, generation: ++this.#generation, bytes: copy, tableSize };
    this.#fields[slot] = made;
    return made;
  }
}

/** Of the length and 16 bytes spread over the field: equality is decided by comparing all of them. */
function sampleHash(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  let hash = length * 0x9e3779b1;
  for (let i = 1; i <= 16; i++) {
    hash = Math.imul(hash ^ bytes[start + (((length - 1) * i) >>> 4)]!, 0x01000193);
  }
  return hash | 0;
}
