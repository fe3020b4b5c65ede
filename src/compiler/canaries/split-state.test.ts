import { expect, test } from 'vitest';
import { findSplits } from './split-state.ts';

test('the name of a Mapping can have dots, and its first part is not its name', () => {
  const splits = ['web.v2.shop', 'api.shop'].map((name) => ({ kind: 'Mapping' as const, name }));
  expect(findSplits(splits, 'web.v2').map(({ name }) => name)).toEqual(['web.v2.shop']);
  expect(findSplits(splits, 'web.v2.shop').map(({ name }) => name)).toEqual(['web.v2.shop']);
  expect(findSplits(splits, 'web')).toEqual([]);
});
