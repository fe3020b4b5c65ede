import type { Arena } from './arena.ts';
import type { FieldMarks } from './field-marks.ts';
import type { InternedFields } from './interned.ts';
import type { ValueCache, WireValue } from './value-cache.ts';

/**
 * What a block was found to be. `malformed` and `tooLarge` concern their stream only; `broken` (RFC 9113 4.3)
 * and `tooMuchWork` (its fields add up to many times what is allowed) end the connection.
 */
export const decoded = { ok: 0, malformed: 1, tooLarge: 2, broken: 3, tooMuchWork: 4 } as const;

/** What all decoders of a worker share. */
export interface DecoderShared<P extends WireValue, A extends WireValue> {
  readonly arena: Arena;
  readonly interned: InternedFields;
  /** Long fields of the block that was decoded last. */
  readonly marks: FieldMarks;
  readonly paths: ValueCache<P>;
  readonly authorities: ValueCache<A>;
  /** Limit of the sum of name + value + 32 over a block's fields (SETTINGS_MAX_HEADER_LIST_SIZE), in bytes. */
  readonly maxListBytes: number;
  /** Limit of the number of fields. */
  readonly maxFields: number;
  /** Limit of the decoded size (as `maxListBytes`) up to which a block that is refused anyway is read, in bytes. */
  readonly maxWork: number;
}
