import { huffmanEncode, huffmanLength } from './huffman.ts';
import { cursor, readInteger, writeInteger, writeString } from './integer.ts';
import { staticNameIndex, staticTable } from './static-table.ts';
import { literalText } from './value-cache.ts';

/**
 * A *plain* block is a header block that depends on no table: static indexes and literals without indexing.
 * It is the neutral form of a head in the gateway; both sides of a call can be of any protocol.
 */
export interface PlainField {
  readonly name: string;
  readonly value: string;
  /** Must never be put into a table (RFC 7541 7.1.3). */
  readonly neverIndexed: boolean;
}

/** The fields of a valid plain block. */
export function decodePlain(bytes: Buffer, start: number, end: number): PlainField[] {
  const fields: PlainField[] = [];
  let position = start;
  while (position < end) {
    const first = bytes[position]!;
    if (first >= 0x80) {
      const [name, value] = staticTable[readInteger(bytes, position, end, 0x7f)]!;
      position = cursor.position;
      fields.push({ name, value, neverIndexed: false });
      continue;
    }
    const index = readInteger(bytes, position, end, 0x0f);
    position = cursor.position;
    let name: string;
    if (index > 0) name = staticTable[index]![0];
    else {
      const behind = literalEnd(bytes, position, end);
      name = literalText(bytes, position, behind);
      position = behind;
    }
    const behind = literalEnd(bytes, position, end);
    fields.push({ name, value: literalText(bytes, position, behind), neverIndexed: (first & 0x10) !== 0 });
    position = behind;
  }
  return fields;
}

function literalEnd(bytes: Buffer, at: number, end: number): number {
  const length = readInteger(bytes, at, end, 0x7f);
  return cursor.position + length;
}

/** Bytes that {@link writePlainField} needs at most. */
export function plainFieldRoom(name: string, value: string): number {
  return name.length + value.length + 16;
}

/**
 * Writes one field (latin1) as a literal without indexing, Huffman-coded where that is shorter.
 * Returns the position behind it.
 */
export function writePlainField(
  target: Buffer,
  at: number,
  name: string,
  value: string,
  neverIndexed = false,
): number {
  const index = staticNameIndex(name);
  let to = writeInteger(target, at, index, 0x0f, neverIndexed ? 0x10 : 0);
  if (index === 0) to = writeShortest(target, to, name);
  return writeShortest(target, to, value);
}

/** A block of literals without indexing. */
export function encodePlain(fields: readonly Pick<PlainField, 'name' | 'value' | 'neverIndexed'>[]): Buffer {
  let room = 0;
  for (const field of fields) room += plainFieldRoom(field.name, field.value);
  const target = Buffer.allocUnsafeSlow(room);
  let to = 0;
  for (const field of fields) to = writePlainField(target, to, field.name, field.value, field.neverIndexed);
  return target.subarray(0, to);
}

/** Values that are longer than this are written raw by {@link writePlainValue}: a copy in place of a code for each character. */
const longestCoded = 32;

/** Writes a value as a string literal: Huffman-coded where it is short and that makes it shorter. Returns the end. */
export function writePlainValue(target: Buffer, at: number, value: string): number {
  return value.length > longestCoded ? writeString(target, at, value) : writeShortest(target, at, value);
}

function writeShortest(target: Buffer, at: number, text: string): number {
  const coded = huffmanLength(text);
  if (coded >= text.length) return writeString(target, at, text);
  return huffmanEncode(text, target, writeInteger(target, at, coded, 0x7f, 0x80));
}
