import { expect, it } from 'vitest';
import { isAuthority } from './authority.ts';

const valid = (text: string): boolean => {
  const bytes = Buffer.from(`x${text}x`, 'latin1');
  return isAuthority(bytes, 1, bytes.length - 1);
};

it.each([
  'a',
  'a.b:80',
  '127.0.0.1:8080',
  '[::1]',
  '[::ffff:1.2.3.4]:443',
  'a_b-c~d',
  'a%20b',
  "x!$&'()*+;=y",
  'a:',
  'a:65535',
])('%s is an authority', (text) => expect(valid(text)).toBe(true));

it.each([
  ['', 'is empty'],
  [':80', 'has no host'],
  ['a@b', 'has user information'],
  ['a b', 'has a space'],
  ['a,b', 'has a comma'],
  ['a/b', 'has a path'],
  ['a?b', 'has a query'],
  ['a#b', 'has a fragment'],
  ['a\\b', 'has a backslash'],
  ['a\tb', 'has a control'],
  ['\u00e9', 'is not ASCII'],
  ['a:b', 'has a port that is no number'],
  ['a:65536', 'has a port that is too large'],
  ['a:80:80', 'has two ports'],
  ['::1', 'has an address without brackets'],
  ['[::1', 'has an open bracket'],
  ['[::1]x', 'has something behind a bracket'],
  ['[]', 'has nothing in brackets'],
  ['[fe80::1%25eth0]', 'has a zone'],
  ['a%2', 'has a percent sign without two digits'],
  ['a%zz', 'has a percent sign without two digits'],
])('%j is none: it %s', (text) => expect(valid(text)).toBe(false));
