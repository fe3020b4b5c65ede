import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePlain, encodePlain, plainFieldRoom, writePlainField } from './plain.ts';
import { staticNameIndex, staticTable } from './static-table.ts';

const latin1 = (most: number) =>
  fc.uint8Array({ maxLength: most }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const field = fc.record({
  name: fc.oneof(
    fc.constantFrom(':path', 'cookie', 'content-type', 'x-own'),
    fc.stringMatching(/^[a-z-]{1,60}$/),
  ),
  value: fc.oneof(latin1(40), latin1(400)),
  neverIndexed: fc.boolean(),
});

describe('plain blocks', () => {
  it('give back any fields, wherever they lie', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 20 }), fc.nat(50), (fields, at) => {
        const block = encodePlain(fields);
        const inside = Buffer.concat([Buffer.alloc(at, 0x82), block, Buffer.alloc(3, 0x82)]);
        expect(decodePlain(inside, at, at + block.length)).toEqual(fields);
      }),
    );
  });

  it('never need more room than is asked for', () => {
    fc.assert(
      fc.property(field, ({ name, value, neverIndexed }) => {
        const room = plainFieldRoom(name, value);
        expect(writePlainField(Buffer.alloc(room), 0, name, value, neverIndexed)).toBeLessThanOrEqual(room);
      }),
    );
  });

  it('read static indexes', () => {
    expect(decodePlain(Buffer.from([0x82, 0x88]), 0, 2).map((f) => `${f.name}: ${f.value}`)).toEqual([
      ':method: GET',
      ':status: 200',
    ]);
  });
});

describe('the static table (RFC 7541, Appendix A)', () => {
  it('has 61 entries, found by the lowest index of a name', () => {
    expect(staticTable.length).toBe(62);
    expect([':authority', ':method', ':status', 'www-authenticate', 'x'].map(staticNameIndex)).toEqual([
      1, 2, 8, 61, 0,
    ]);
  });
});
