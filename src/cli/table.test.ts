import { expect, test } from 'vitest';
import { tableLines } from './table.ts';

test('columns are as wide as their widest cell, numbers stand right, wide characters count double', () => {
  expect(
    tableLines([
      { name: 'a', calls: 5 },
      { name: '灰度', calls: 12_345 },
    ]),
  ).toEqual(['name   calls', 'a          5', '灰度  12,345']);
  expect(tableLines([])).toEqual(['']);
});
