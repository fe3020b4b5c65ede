import type { InternedField } from './interned.ts';

const mostMarks = 16;

/**
 * Where the long fields lie in the plain block that was decoded last: those that may go into the table of an
 * upstream. One for all decoders of a worker; valid until the next block is decoded.
 */
export class FieldMarks {
  count = 0;
  /** Offsets from the beginning of the plain block. */
  readonly start = new Int32Array(mostMarks);
  readonly end = new Int32Array(mostMarks);
  readonly field: (InternedField | null)[] = new Array(mostMarks).fill(null);

  /** Marks a field; beyond the sixteenth of a block they go on in plain form. */
  add(field: InternedField, start: number, end: number): void {
    if (this.count === mostMarks) return;
    this.start[this.count] = start;
    this.end[this.count] = end;
    this.field[this.count++] = field;
  }
}
