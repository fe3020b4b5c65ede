import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decoderWith, plainFields } from '../../../test/support/decoder.ts';
import { tableOf } from '../../../test/support/hpack.ts';
import { Arena } from './arena.ts';
import { decoded } from './decoder-shared.ts';
import { EncoderTable } from './encoder-table.ts';
import type { InternedField } from './interned.ts';
import { encodePlain } from './plain.ts';

function field(slot: number, generation: number, length = 60): InternedField {
  const name = slot % 2 === 0 ? 'authorization' : `x-token-${slot}`;
  const value = `${slot}.${generation}.`.padEnd(length, 'k');
  const bytes = encodePlain([{ name, value, neverIndexed: false }]);
  return { slot, generation, bytes, tableSize: name.length + value.length + 32 };
}

/** An encoder's table with a peer whose decoder reads what it writes. */
function pair(decoderLimit = 4096) {
  const arena = new Arena(262_144, 4);
  const decoder = decoderWith(arena, decoderLimit);
  const table = new EncoderTable();
  const send = (...fields: InternedField[]) => {
    const block = Buffer.alloc(65_536);
    let to = table.begin(block, 0);
    for (const one of fields) to = table.write(block, to, one);
    return { result: decoder.decode(block, 0, to, false), bytes: to, fields: plainFields(decoder, arena) };
  };
  return { table, decoder, send };
}

const texts = (...fields: InternedField[]) =>
  fields.map((f) => {
    const arena = new Arena(65_536, 4);
    const decoder = decoderWith(arena);
    decoder.decode(f.bytes, 0, f.bytes.length, false);
    return plainFields(decoder, arena)[0];
  });

describe('EncoderTable', () => {
  it('writes a field whole once, then as one byte', () => {
    const { send } = pair();
    expect(send(field(1, 1)).bytes).toBeGreaterThan(40);
    const again = send(field(1, 1), field(1, 1));
    expect(again).toEqual({ result: decoded.ok, bytes: 2, fields: texts(field(1, 1), field(1, 1)) });
  });

  it('writes another field of the same slot whole', () => {
    const { send } = pair();
    send(field(1, 1));
    expect(send(field(1, 2)).fields).toEqual(texts(field(1, 2)));
  });

  it('does not index what is larger than the table', () => {
    const { send, decoder } = pair();
    send(field(1, 1));
    expect(send(field(3, 1, 5000)).fields).toEqual(texts(field(3, 1, 5000)));
    expect(tableOf(decoder.table).fields).toEqual(texts(field(1, 1)));
  });

  it('agrees with the peer about the table after every change of its size (RFC 7541 4.2)', () => {
    const { table, send, decoder } = pair();
    send(field(1, 1), field(2, 1), field(3, 1));
    table.allow(250);
    expect(send(field(3, 1)).result).toBe(decoded.ok);
    expect(decoder.table.count).toBe(2);
    table.allow(4096);
    for (let slot = 10; slot < 40; slot++) expect(send(field(slot, 1)).result).toBe(decoded.ok);
    for (let slot = 10; slot < 40; slot++) {
      expect(send(field(slot, 1)).fields, `slot ${slot}`).toEqual(texts(field(slot, 1)));
    }
  });

  it('says the smallest size in between as well (RFC 7541 4.2)', () => {
    const { table, send, decoder } = pair();
    send(field(1, 1));
    table.allow(0);
    table.allow(4096);
    const block = Buffer.alloc(16);
    expect(block.toString('hex', 0, table.begin(block, 0))).toBe('203fe11f');
    expect(table.begin(block, 0)).toBe(0);
    decoder.decode(block, 0, 4, false);
    expect(send(field(1, 1))).toMatchObject({ result: decoded.ok, fields: texts(field(1, 1)) });
  });

  it('agrees with the peer after any sequence of fields and sizes', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.tuple(fc.nat(9), fc.nat(1), fc.constantFrom(60, 300, 900)) },
      { weight: 1, arbitrary: fc.constantFrom(0, 100, 500, 1000, 4096, 65_536) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 50, maxLength: 120 }), (steps) => {
        const { table, send } = pair();
        const generations = new Map<string, number>();
        for (const one of steps) {
          if (typeof one === 'number') {
            table.allow(one);
            continue;
          }
          const [slot, variant, length] = one;
          const key = `${slot} ${variant} ${length}`;
          if (!generations.has(key)) generations.set(key, generations.size + 1);
          const sent = field(slot, generations.get(key)!, length);
          expect(send(sent)).toMatchObject({ result: decoded.ok, fields: texts(sent) });
        }
      }),
      { numRuns: 100 },
    );
  });
});
