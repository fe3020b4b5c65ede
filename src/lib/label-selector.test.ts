import { expect, test } from 'vitest';
import { parseLabelSelector } from './label-selector.ts';

const labels = { app: 'quote', tier: 'front', 'example.org/x': '' };

test.each([
  ['app=quote', true],
  ['app==quote,tier=front', true],
  ['app=quote,tier=back', false],
  ['app!=quote', false],
  ['none!=quote', true],
  ['app in (a, quote)', true],
  ['app notin (a,quote)', false],
  ['none notin (a)', true],
  ['none in (a)', false],
  ['example.org/x', true],
  ['!example.org/x', false],
  ['!none', true],
  ['example.org/x=', true],
  ['', true],
  [' app = quote , tier in (front) ', true],
])('%s', (text, matches) => {
  expect(parseLabelSelector(text)(labels)).toBe(matches);
});

test.each(['app in quote', 'a b', '=x', 'app=a b', 'app in (a'])('%s is no selector', (text) => {
  expect(() => parseLabelSelector(text)).toThrow(/label selector/);
});
