import { expect, test } from 'vitest';
import { loadDocument } from './load.ts';

function value(text: string): unknown {
  const loaded = loadDocument(text);
  return loaded.kind === 'value' ? loaded.value : loaded.reason;
}

test('YAML 1.1 words are booleans, y and n and quoted words are text', () => {
  expect(value('[True, yes, On, OFF, no, TRUE]')).toEqual([true, true, true, false, false, true]);
  expect(value('[y, n, "true", tRue, yEs]')).toEqual(['y', 'n', 'true', 'tRue', 'yEs']);
});

test('integers as PyYAML reads them', () => {
  expect(value('[012, 1_000, 0x1f, -7, 0, 089, 1:30, 0.5]')).toEqual([10, 1000, 31, -7, 0, 89, '1:30', 0.5]);
});

test('a date stays text, null is null, merge keys work', () => {
  expect(value('a: 2024-01-02\nb: ~\nc: &x {k: v}\nd: {<<: *x, l: w}')).toEqual({
    a: '2024-01-02',
    b: null,
    c: { k: 'v' },
    d: { k: 'v', l: 'w' },
  });
});

test('a key twice: the last wins, and it is told', () => {
  expect(loadDocument('a: 1\na: 2')).toEqual({ kind: 'value', value: { a: 2 }, duplicates: true });
});

test('a broken document has a place', () => {
  expect(loadDocument('a: 1\nb:\n  \tc: 1')).toMatchObject({ kind: 'broken', line: 3 });
});
