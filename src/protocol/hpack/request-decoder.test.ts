import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decoderWith, plainFields, type TestDecoder } from '../../../test/support/decoder.ts';
import { type FieldForm, integer, PlainSpokenEncoder, string, tableOf } from '../../../test/support/hpack.ts';
import { Arena } from './arena.ts';
import { decoded } from './decoder-shared.ts';

function make(tableLimit = 4096) {
  const arena = new Arena(262_144, 4);
  const decoder = decoderWith(arena, tableLimit);
  const read = (...parts: Buffer[]) => {
    const block = Buffer.concat(parts);
    return decoder.decode(block, 0, block.length, false);
  };
  return { decoder, read, fields: () => plainFields(decoder, arena) };
}

/** A literal that is added to the table. */
const added = (name: string, value: string, huffman = false): Buffer =>
  Buffer.concat([Buffer.from([0x40]), string(name, huffman), string(value, huffman)]);
/** A literal whose name is an index and that is not added. */
const named = (index: number, value: string, flags = 0): Buffer =>
  Buffer.concat([integer(index, 0x0f, flags), string(value, false)]);
const indexed = (index: number): Buffer => integer(index, 0x7f, 0x80);
const sized = (max: number): Buffer => integer(max, 0x1f, 0x20);

describe('the table of a client', () => {
  it('evicts the oldest entries, and is emptied by one that is larger (RFC 7541 4.4)', () => {
    const { decoder, read } = make(128);
    read(added('aaaa', 'one'), added('bbbb', 'two'), added('cccc', 'three'), added('dddd', 'four'));
    expect(tableOf(decoder.table).fields).toEqual(['dddd: four', 'cccc: three', 'bbbb: two']);
    expect(read(added('name', 'v'.repeat(200)))).toBe(decoded.ok);
    expect(decoder.table.count).toBe(0);
    expect(read(indexed(62))).toBe(decoded.broken);
  });

  it('takes the name of an entry that the new one evicts (RFC 7541 4.4)', () => {
    const { decoder, read, fields } = make(100);
    read(added('some-name', 'x'.repeat(50)));
    expect(read(Buffer.concat([integer(62, 0x3f, 0x40), string('y'.repeat(55), false)]))).toBe(decoded.ok);
    expect(fields()).toEqual([`some-name: ${'y'.repeat(55)}`]);
    expect(tableOf(decoder.table).fields).toEqual([`some-name: ${'y'.repeat(55)}`]);
  });

  it('obeys a size update at the beginning of a block and refuses it elsewhere or above the limit', () => {
    const { decoder, read } = make();
    read(added('aaaa', 'one'), added('bbbb', 'two'));
    expect(read(sized(40), indexed(62))).toBe(decoded.ok);
    expect(tableOf(decoder.table)).toEqual({ fields: ['bbbb: two'], size: 39 });
    expect(read(sized(0), sized(4096), added('cccc', 'three'))).toBe(decoded.ok);
    expect(tableOf(decoder.table).fields).toEqual(['cccc: three']);
    expect(make().read(added('a', 'b'), sized(10))).toBe(decoded.broken);
    expect(make().read(sized(4097))).toBe(decoded.broken);
  });

  it.each([0, 64, 200])('refuses the index %i', (index) => {
    const { read } = make();
    read(added('aaaa', 'one'));
    expect(read(indexed(index))).toBe(decoded.broken);
    expect(read(named(index === 0 ? 70 : index, 'value'))).toBe(decoded.broken);
  });

  it('keeps marks of never-indexed fields, also where the name is an index', () => {
    const { decoder, read, fields } = make();
    read(added('x-token', 'first'));
    expect(read(named(62, 'secret', 0x10), named(23, 'basic', 0x10), named(62, 'open'))).toBe(decoded.ok);
    expect(fields()).toEqual(['!x-token: secret', '!authorization: basic', 'x-token: open']);
    expect(decoder.table.count).toBe(1);
  });

  it('refuses a reference to a value that was refused, and takes its name with another', () => {
    const { read, fields } = make();
    expect(read(added('x-name', 'bad\0value'))).toBe(decoded.malformed);
    expect(read(indexed(62))).toBe(decoded.malformed);
    expect(read(named(62, 'good'))).toBe(decoded.ok);
    expect(fields()).toEqual(['x-name: good']);
    expect(read(added('Upper', 'case'))).toBe(decoded.malformed);
    expect(read(named(62, 'good'))).toBe(decoded.malformed);
  });

  it.each([
    ['2147483648', 2_147_483_648],
    ['4294967297', 4_294_967_297],
    ['999999999999999', 999_999_999_999_999],
  ])('keeps a content-length of %s', (text, value) => {
    for (const huffman of [false, true]) {
      const { decoder, read } = make();
      expect(read(Buffer.concat([integer(28, 0x3f, 0x40), string(text, huffman)]))).toBe(decoded.ok);
      expect(decoder.contentLength).toBe(value);
      expect(read(indexed(62))).toBe(decoded.ok);
      expect(decoder.contentLength).toBe(value);
    }
  });

  it('takes two equal hosts for one, however they are written, and refuses two that differ', () => {
    const { decoder, read } = make();
    const long = 'a.'.repeat(800);
    for (const host of ['example.org', long]) {
      const twice = (huffman: boolean) => Buffer.concat([integer(38, 0x0f, 0), string(host, huffman)]);
      expect(read(twice(false), twice(true), twice(true))).toBe(decoded.ok);
      expect(decoder.host?.text).toBe(host);
    }
    expect(read(named(38, 'a.example'), named(38, 'b.example'))).toBe(decoded.malformed);
  });

  it('has room for names that Huffman coding makes longer, at the end of the memory too', () => {
    // A newline has 30 bits: the longest name that fits the table takes almost four times its size.
    const name = '\n'.repeat(4000);
    const arena = new Arena(65_536, 4);
    const decoder = decoderWith(arena);
    const long = added(name, '', true);
    expect(decoder.decode(long, 0, long.length, false)).toBe(decoded.malformed);
    const short = named(62, 'x');
    for (const left of [4100, 5000, 9000, 14_000, 20_000]) {
      arena.position = 65_536 - left;
      arena.current.live = 1;
      expect(decoder.decode(short, 0, short.length, false), `${left} bytes left`).toBe(decoded.malformed);
    }
  });
});

/** Blocks of requests as a client may write them. */
const names = ['x-one', 'x-two', 'user-agent', 'accept', 'x-bin', 'traceparent', 'authorization', 'cookie'];
// Visible at both ends, anything but controls inside, obs-text included.
const value = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
      fc.integer({ min: 0x80, max: 255 }),
    ),
    {
      maxLength: 90,
    },
  )
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const form = fc.record<FieldForm>({
  name: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...names) },
    fc.stringMatching(/^[a-z0-9-]{1,40}$/).map((s) => `y-${s}`),
  ),
  value: fc.oneof(value, fc.constantFrom('', 'a', 'the same value again', 'k'.repeat(80))),
  form: fc.constantFrom('indexed', 'indexed', 'add', 'add', 'plain', 'never'),
  nameIndex: fc.boolean(),
  huffmanName: fc.boolean(),
  huffmanValue: fc.boolean(),
});
const block = fc.record({
  resize: fc.option(fc.constantFrom(0, 50, 300, 1000, 4096), { freq: 8 }),
  fields: fc.array(form, { maxLength: 12 }),
});

function expected(fields: readonly FieldForm[]): string[] {
  return fields.map(({ name, value, form }) => `${form === 'never' ? '!' : ''}${name}: ${value}`);
}

describe('any blocks of one connection', () => {
  it('come out as they went in, and the tables agree', () => {
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 30, size: 'max' }), (blocks) => {
        const encoder = new PlainSpokenEncoder(4096);
        const { decoder, read, fields } = make();
        for (const one of blocks) {
          if (one.resize !== null) encoder.resize(one.resize);
          expect(read(encoder.encode(one.fields))).toBe(decoded.ok);
          expect(fields()).toEqual(expected(one.fields));
          expect(tableOf(decoder.table).fields).toEqual(encoder.table.map((e) => `${e.name}: ${e.value}`));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('are broken when they are cut inside a field, and shorter when between two', () => {
    fc.assert(
      fc.property(fc.array(block, { minLength: 2, maxLength: 4 }), (blocks) => {
        const encoder = new PlainSpokenEncoder(4096);
        const before = blocks.slice(0, -1).map((one) => encoder.encode(one.fields));
        const last = blocks.at(-1)!;
        if (last.resize !== null) encoder.resize(last.resize);
        const bytes = encoder.encode(last.fields);
        const updates = encoder.ends.length - last.fields.length;
        for (let cut = 0; cut < bytes.length; cut++) {
          const { read, fields } = make();
          for (const one of before) read(one);
          const at = cut === 0 ? -1 : encoder.ends.indexOf(cut);
          const whole = cut === 0 || at >= 0;
          expect(read(bytes.subarray(0, cut)), `cut at ${cut}`).toBe(whole ? decoded.ok : decoded.broken);
          if (whole) expect(fields()).toEqual(expected(last.fields.slice(0, Math.max(at + 1 - updates, 0))));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('may be any bytes: an answer, never an exception', () => {
    const results = new Set<number>();
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 8 }), (blocks) => {
        const { decoder } = make();
        for (const bytes of blocks) results.add(decodeAny(decoder, Buffer.from(bytes)));
      }),
      { numRuns: 3000 },
    );
    expect([...results].sort()).toEqual([decoded.ok, decoded.malformed, decoded.broken]);
  });
});

function decodeAny(decoder: TestDecoder, bytes: Buffer): number {
  return decoder.decode(bytes, 0, bytes.length, bytes.length % 2 === 0);
}
