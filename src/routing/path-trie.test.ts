import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PathTrie } from './path-trie.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 6 });

test('yields exactly the keys that the text begins with, whatever was put in and taken out', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.boolean())), key, (steps, text) => {
      const trie = new PathTrie<string>();
      const model = new Set<string>();
      for (const [word, add] of steps) {
        if (add) trie.ensure(word, () => word);
        else trie.delete(word);
        if (add) model.add(word);
        else model.delete(word);
      }
      const found: string[] = [];
      trie.collect(text, found);
      const expected = [...model].filter((word) => text.startsWith(word)).sort((a, b) => a.length - b.length);
      expect(found).toEqual(expected);
      for (const word of model) expect(trie.get(word)).toBe(word);
    }),
  );
});
