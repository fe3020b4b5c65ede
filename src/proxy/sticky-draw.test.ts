import { expect, test } from 'vitest';
import { readCookie } from './sticky-draw.ts';

test.each([
  ['a=1; release=x; b=2', 'x'],
  ['release=x', 'x'],
  ['xrelease=y; release = z ', 'z'],
  ['a=1,release=x', 'x'],
  ['release=', null],
  ['a=1', null],
  ['', null],
  [undefined, null],
])('%j', (header, value) => {
  expect(readCookie(header, 'release')).toBe(value);
});
