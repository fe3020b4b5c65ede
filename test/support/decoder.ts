import type { Arena } from '../../src/protocol/hpack/arena.ts';
import { FieldMarks } from '../../src/protocol/hpack/field-marks.ts';
import { InternedFields } from '../../src/protocol/hpack/interned.ts';
import { decodePlain } from '../../src/protocol/hpack/plain.ts';
import { RequestDecoder } from '../../src/protocol/hpack/request-decoder.ts';
import { ValueCache, type WireValue } from '../../src/protocol/hpack/value-cache.ts';

/** A decoder whose values are kept as they came. */
export type TestDecoder = RequestDecoder<WireValue, WireValue>;

/** Makes one on this memory, with caches of its own. @param tableLimit SETTINGS_HEADER_TABLE_SIZE. */
export function decoderWith(arena: Arena, tableLimit = 4096): TestDecoder {
  return new RequestDecoder<WireValue, WireValue>(
    {
      arena,
      interned: new InternedFields(),
      marks: new FieldMarks(),
      paths: new ValueCache(64, (wire) => wire),
      authorities: new ValueCache(64, (wire) => wire),
      maxListBytes: 65_536,
      maxFields: 256,
      maxWork: 1_048_576,
    },
    tableLimit,
  );
}

/** Fields of the plain block that the last call of `decode` left, `name: value`, never-indexed ones with a mark in front. */
export function plainFields(decoder: TestDecoder, arena: Arena): string[] {
  return decodePlain(arena.current.bytes, decoder.plainStart, decoder.plainEnd).map(
    ({ name, value, neverIndexed }) => `${neverIndexed ? '!' : ''}${name}: ${value}`,
  );
}
