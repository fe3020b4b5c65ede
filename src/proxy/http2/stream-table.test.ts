import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamTable } from './stream-table.ts';

describe('StreamTable', () => {
  it('holds what a Map would, whatever outlives whatever', () => {
    const steps = fc.array(fc.record({ keep: fc.boolean(), drop: fc.nat(40) }), { maxLength: 400 });
    fc.assert(
      fc.property(steps, (all) => {
        const table = new StreamTable<{ id: number }>();
        const map = new Map<number, { id: number }>();
        let id = 1;
        for (const { keep, drop } of all) {
          const stream = { id };
          table.add(stream);
          map.set(id, stream);
          if (!keep) {
            table.delete(id);
            map.delete(id);
          }
          const other = [...map.keys()][drop];
          if (other !== undefined && drop % 3 === 0) {
            table.delete(other);
            map.delete(other);
          }
          id += 2;
          expect(table.size).toBe(map.size);
        }
        for (let n = 1; n < id; n += 2) expect(table.get(n)).toBe(map.get(n));
        expect(new Set(table.all())).toEqual(new Set(map.values()));
      }),
    );
  });

  it('finds a stream that outlived a thousand others', () => {
    const table = new StreamTable<{ id: number }>();
    const old = { id: 1 };
    table.add(old);
    for (let id = 3; id < 20_001; id += 2) {
      table.add({ id });
      expect(table.get(id)?.id).toBe(id);
      table.delete(id);
    }
    expect(table.get(1)).toBe(old);
    expect(table.size).toBe(1);
    table.clear();
    expect(table.get(1)).toBeUndefined();
    expect(table.size).toBe(0);
  });
});
