import { expect, test } from 'vitest';
import type { Split } from '../model/split.ts';
import type { Exchange } from './exchange.ts';
import { readCookie, stickyMember } from './sticky-draw.ts';

test.each([
  ['a=1; release=x; b=2', 'x'],
  ['release=x', 'x'],
  ['xrelease=y; release = z ', 'z'],
  ['a=1,release=x', 'x'],
  ['a=release; b=release=y; release2=z; release\t=w', 'w'],
  ['release;release=x', 'x'],
  ['rel=release;release=x=y', 'x=y'],
  ['release=', null],
  ['a=1', null],
  ['', null],
  [undefined, null],
])('%j', (header, value) => {
  expect(readCookie(header, 'release')).toBe(value);
});

test('a key of 64 KB is not hashed, and a thousand cookies are not cut up', () => {
  const split = { denominator: 2, members: [{ share: 1 }, { share: 1 }] } as unknown as Split;
  const sticky = { kind: 'header', name: 'x-user', maxAgeS: 0, seed: 's' } as const;
  const withKey = (key: string): Exchange => ({ header: () => key }) as unknown as Exchange;
  expect(stickyMember(split, sticky, withKey('a'.repeat(1024)))).not.toBeNull();
  expect(stickyMember(split, sticky, withKey('a'.repeat(1025)))).toBeNull();
  const many = `${'a=b;'.repeat(15_000)}release=x`;
  readCookie(many, 'release');
  const began = performance.now();
  for (let i = 0; i < 200; i++) expect(readCookie(many, 'release')).toBe('x');
  // 160 ms with a split; 10 ms without.
  expect(performance.now() - began).toBeLessThan(80);
});
