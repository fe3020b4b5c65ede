import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PlaceList } from './place-list.ts';

test('it is a set', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9)), (toggled) => {
      const things = Array.from({ length: 10 }, (_, id) => ({ id, place: -1 }));
      const list = new PlaceList<(typeof things)[number]>();
      const set = new Set<(typeof things)[number]>();
      for (const at of toggled) {
        const thing = things[at]!;
        if (set.has(thing)) {
          set.delete(thing);
          list.delete(thing);
          list.delete(thing);
        } else {
          set.add(thing);
          list.add(thing);
        }
        expect(list.size).toBe(set.size);
        expect(new Set(list.all())).toEqual(set);
      }
    }),
  );
});
