import type { DecoderTable } from '../../src/protocol/hpack/decoder-table.ts';
import { metaFields, metaLength, metaOffset, metaSize } from '../../src/protocol/hpack/decoder-table.ts';
import { huffmanEncode, huffmanLength } from '../../src/protocol/hpack/huffman.ts';
import { writeInteger } from '../../src/protocol/hpack/integer.ts';
import { decodePlain } from '../../src/protocol/hpack/plain.ts';
import { staticCount, staticTable } from '../../src/protocol/hpack/static-table.ts';

/** How a field is written (RFC 7541 6), and which of its strings are Huffman-coded. */
export interface FieldForm {
  readonly name: string;
  readonly value: string;
  readonly form: 'indexed' | 'add' | 'plain' | 'never';
  /** Refer to the name in a table where it is there. */
  readonly nameIndex: boolean;
  readonly huffmanName: boolean;
  readonly huffmanValue: boolean;
}

/**
 * An encoder after RFC 7541's letter: a list of fields as the table, nothing clever. Written only for tests, so that the gateway's
 * decoder meets every form of a field.
 */
export class PlainSpokenEncoder {
  /** Newest first. */
  readonly table: { readonly name: string; readonly value: string }[] = [];
  max: number;
  /** Ends of the pieces of the last block: size updates and fields. */
  ends: number[] = [];
  readonly #updates: number[] = [];

  constructor(max: number) {
    this.max = max;
  }

  /** The next block begins with this size update. */
  resize(max: number): void {
    this.max = max;
    this.#updates.push(max);
    this.#evict(0);
  }

  encode(fields: readonly FieldForm[]): Buffer {
    const pieces: Buffer[] = this.#updates.splice(0).map((max) => integer(max, 0x1f, 0x20));
    for (const field of fields) pieces.push(this.#field(field));
    let at = 0;
    this.ends = pieces.map((piece) => (at += piece.length));
    return Buffer.concat(pieces);
  }

  #field(field: FieldForm): Buffer {
    const { name, value } = field;
    if (field.form === 'indexed') {
      const index = this.#find((entry) => entry.name === name && entry.value === value);
      if (index > 0) return integer(index, 0x7f, 0x80);
    }
    const [mask, flags] =
      field.form === 'add' ? [0x3f, 0x40] : field.form === 'never' ? [0x0f, 0x10] : [0x0f, 0];
    const index = field.nameIndex ? this.#find((entry) => entry.name === name) : 0;
    const parts = [integer(index, mask, flags)];
    if (index === 0) parts.push(string(name, field.huffmanName));
    parts.push(string(value, field.huffmanValue));
    if (field.form === 'add') this.#add(name, value);
    return Buffer.concat(parts);
  }

  #find(is: (entry: { name: string; value: string }) => boolean): number {
    const dynamic = this.table.findIndex(is);
    if (dynamic >= 0) return staticCount + 1 + dynamic;
    for (let i = 1; i <= staticCount; i++) {
      if (is({ name: staticTable[i]![0], value: staticTable[i]![1] })) return i;
    }
    return 0;
  }

  #add(name: string, value: string): void {
    const size = name.length + value.length + 32;
    this.#evict(size);
    if (size <= this.max) this.table.unshift({ name, value });
  }

  #evict(needed: number): void {
    const size = () => this.table.reduce((sum, e) => sum + e.name.length + e.value.length + 32, 0);
    while (this.table.length > 0 && size() + needed > this.max) this.table.pop();
  }
}

/** An integer with its prefix (RFC 7541 5.1). */
export function integer(value: number, mask: number, flags: number): Buffer {
  const bytes = Buffer.alloc(8);
  return bytes.subarray(0, writeInteger(bytes, 0, value, mask, flags));
}

/** A string literal (RFC 7541 5.2). */
export function string(text: string, huffman: boolean): Buffer {
  if (!huffman) return Buffer.concat([integer(text.length, 0x7f, 0), Buffer.from(text, 'latin1')]);
  const coded = Buffer.alloc(huffmanLength(text));
  huffmanEncode(text, coded, 0);
  return Buffer.concat([integer(coded.length, 0x7f, 0x80), coded]);
}

/** Fields of a decoder's table, newest first, and the sum of their sizes. */
export function tableOf(table: DecoderTable): { fields: string[]; size: number } {
  const fields: string[] = [];
  let size = 0;
  for (let i = 0; i < table.count; i++) {
    const at = table.slot(i) * metaFields;
    const offset = table.meta[at + metaOffset]!;
    const [field] = decodePlain(table.bytes, offset, offset + table.meta[at + metaLength]!);
    fields.push(`${field!.name}: ${field!.value}`);
    size += table.meta[at + metaSize]!;
  }
  return { fields, size };
}
