import { describe, expect, it } from 'vitest';
import { decodePlain } from '../protocol/hpack/plain.ts';
import { lineFields, plainFields } from './field-writer.ts';

const fields = [
  ['x-forwarded-for', '203.0.113.7, 2001:db8::1'],
  ['via', '1.1 edge'],
  ['x-request-id', '6f1d1a3e-6b0e-4c1a-9a53-0f8a5d1b7a11'],
  ['x-long', 'é'.repeat(5000)],
  ['x-empty', ''],
].map(([name, value]) => ({ name: name!, value: value!, neverIndexed: false }));

describe('a few fields of the gateway’s own', () => {
  it('are a plain block that says what they are, also a second time', () => {
    for (let n = 0; n < 2; n++) {
      const block = plainFields(fields);
      expect(decodePlain(block, 0, block.length)).toEqual(fields);
    }
  });

  it('are lines, and none that could be read as another', () => {
    expect(lineFields(fields).toString('latin1')).toBe(
      fields.map(({ name, value }) => `${name}: ${value}\r\n`).join(''),
    );
    const bad = { name: 'x', value: 'a\r\nb: c', neverIndexed: false };
    expect(() => lineFields([bad])).toThrow(RangeError);
  });

  it('of names without end take no memory without end', () => {
    for (let n = 0; n < 1000; n++) {
      const block = plainFields([{ name: `x-envoy-${n}`, value: String(n), neverIndexed: false }]);
      expect(decodePlain(block, 0, block.length)[0]).toMatchObject({
        name: `x-envoy-${n}`,
        value: String(n),
      });
    }
  });
});
