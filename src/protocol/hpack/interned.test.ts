import { describe, expect, it } from 'vitest';
import { InternedFields, internedSlots } from './interned.ts';

const field = (text: string): Buffer => Buffer.from(text.padEnd(60, '.'), 'latin1');

describe('InternedFields', () => {
  it('remembers a field from its second sighting on', () => {
    const fields = new InternedFields();
    const bytes = field('token');
    expect(fields.sight(bytes, 0, 60, 92)).toBe(null);
    const inside = Buffer.concat([Buffer.from('xx'), bytes]);
    const made = fields.sight(inside, 2, 62, 92)!;
    expect(made).toMatchObject({ tableSize: 92, bytes });
    expect(fields.sight(bytes, 0, 60, 92)).toBe(made);
    inside.fill(0);
    expect(made.bytes.equals(bytes)).toBe(true);
  });

  it('takes no field for another, and no generation twice', () => {
    const fields = new InternedFields();
    const generations = new Set<number>();
    for (let n = 0; n < 3000; n++) {
      const bytes = field(`token ${n}`);
      let made = null;
      for (let sighting = 0; sighting < 3; sighting++) made = fields.sight(bytes, 0, 60, 92);
      expect(made?.bytes.equals(bytes)).toBe(true);
      expect(made!.slot).toBeLessThan(internedSlots);
      generations.add(made!.generation);
    }
    expect(generations.size).toBe(3000);
  });

  it('tells fields apart that differ in one byte only, wherever it is', () => {
    const fields = new InternedFields();
    const bytes = field('token');
    for (let n = 0; n < 2; n++) fields.sight(bytes, 0, 60, 92);
    for (let at = 0; at < 60; at++) {
      const other = Buffer.from(bytes);
      other[at] = other[at]! ^ 1;
      for (let n = 0; n < 2; n++) {
        const made = fields.sight(other, 0, 60, 92);
        if (made !== null) expect(made.bytes.equals(other)).toBe(true);
      }
    }
  });
});
