import { describe, expect, it } from 'vitest';
import { encodePlain } from './plain.ts';
import { plainText, ValueCache } from './value-cache.ts';

/** The string literal of `text`, as it stands in a block. */
function literal(text: string): Buffer {
  return encodePlain([{ name: ':path', value: text, neverIndexed: false }]).subarray(1);
}

describe('ValueCache', () => {
  it('makes each value at most twice, and finds it again', () => {
    let made = 0;
    const cache = new ValueCache(65_536, (wire) => ({ text: wire.text, n: ++made }));
    const values = Array.from({ length: 10_000 }, (_, n) => `/service-${n}.Api/Method${n % 7}`);
    for (const text of values) cache.get(literal(text), 0, literal(text).length);
    const first = values.map((text) => cache.get(literal(text), 0, literal(text).length));
    expect(first.map((value) => value.text)).toEqual(values);
    let again = 0;
    for (const [n, text] of values.entries()) {
      const bytes = Buffer.concat([Buffer.from('xx'), literal(text)]);
      if (cache.find(bytes, 2, bytes.length) === first[n]) again++;
    }
    expect(again).toBeGreaterThan(9900);
    expect(made).toBe(20_000);
  });

  it('is bounded: newer values take the places of older ones', () => {
    const cache = new ValueCache(256, (wire) => ({ text: wire.text }));
    const all = Array.from({ length: 5000 }, (_, n) => literal(`/${n}`));
    for (const bytes of all) cache.get(bytes, 0, bytes.length);
    for (const bytes of all.flatMap((one) => [one, one]))
      expect(cache.get(bytes, 0, bytes.length).text).toMatch(/^\/\d+$/);
    const kept = all.filter((bytes) => cache.find(bytes, 0, bytes.length) !== null).length;
    expect(kept).toBeGreaterThan(64);
    expect(kept).toBeLessThanOrEqual(256);
  });

  it('keeps nothing that came once, and does not let it push out what came twice', () => {
    const cache = new ValueCache(1024, (wire) => ({ text: wire.text }));
    const known = literal('/known');
    for (let n = 0; n < 2; n++) cache.get(known, 0, known.length);
    const invented = Array.from({ length: 20_000 }, (_, n) => literal(`/invented-${n}`));
    for (const bytes of invented) cache.get(bytes, 0, bytes.length);
    expect(cache.find(known, 0, known.length)).not.toBe(null);
    // Two literals of one hash count as one that came twice.
    const kept = invented.filter((bytes) => cache.find(bytes, 0, bytes.length) !== null).length;
    expect(kept).toBeLessThan(5);
  });

  it('does not keep what is very long', () => {
    const cache = new ValueCache(256, (wire) => ({ text: wire.text }));
    const bytes = literal(`/${'x'.repeat(3000)}`);
    for (let n = 0; n < 3; n++) expect(cache.get(bytes, 0, bytes.length).text.length).toBe(3001);
    expect(cache.find(bytes, 0, bytes.length)).toBe(null);
  });

  it('may be kept by the text itself', () => {
    const cache = new ValueCache(256, (wire) => wire, plainText);
    const bytes = Buffer.from('xx/pathyy', 'latin1');
    expect(cache.get(bytes, 2, 7)).toEqual({ encoded: Buffer.from('/path'), text: '/path' });
    expect(cache.get(bytes, 2, 7)).toBe(cache.find(bytes, 2, 7));
    expect(cache.find(bytes, 2, 6)).toBe(null);
  });
});
