import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cursor, readInteger, writeInteger, writeString } from './integer.ts';

const masks = [0x0f, 0x1f, 0x3f, 0x7f] as const;

describe('integers (RFC 7541 5.1)', () => {
  it('come back as they were written, with any prefix and whatever stands above it', () => {
    fc.assert(
      fc.property(fc.nat(0xfffffff), fc.constantFrom(...masks), fc.nat(255), (value, mask, flags) => {
        const bytes = Buffer.alloc(10);
        const end = writeInteger(bytes, 2, value, mask, flags & ~mask);
        expect(readInteger(bytes, 2, end, mask)).toBe(value);
        expect(cursor.position).toBe(end);
        expect(bytes[2]! & ~mask & 255).toBe(flags & ~mask & 255);
      }),
    );
  });

  it('are broken when they are cut or have no end', () => {
    const bytes = Buffer.alloc(10);
    const end = writeInteger(bytes, 0, 100_000, 0x0f, 0);
    for (let cut = 1; cut < end; cut++) expect(readInteger(bytes, 0, cut, 0x0f)).toBe(-1);
    expect(readInteger(Buffer.alloc(20, 0xff), 0, 20, 0x7f)).toBe(-1);
    expect(readInteger(Buffer.from('7f8080808001', 'hex'), 0, 6, 0x7f)).toBe(-1);
  });
});

describe('strings (RFC 7541 5.2)', () => {
  it.each([0, 1, 126, 127, 128, 4000])('of %i bytes carry their length', (length) => {
    const bytes = Buffer.alloc(length + 10);
    const end = writeString(bytes, 1, 'x'.repeat(length));
    expect(readInteger(bytes, 1, end, 0x7f)).toBe(length);
    expect(bytes.toString('latin1', cursor.position, end)).toBe('x'.repeat(length));
  });
});
