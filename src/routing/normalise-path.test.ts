import { expect, test } from 'vitest';
import { normalisePath } from './normalise-path.ts';

function path(text: string): string {
  const result = normalisePath(text);
  return 'path' in result ? result.path : result.error;
}

test('dot segments are resolved, encoded or not, and never climb above the root', () => {
  expect(path('/a/./b/../c')).toBe('/a/c');
  expect(path('/files/%2e%2E/x')).toBe('/x');
  expect(path('/files/.%2e/x')).toBe('/x');
  expect(path('/../../x')).toBe('/x');
  expect(path('/a/..')).toBe('/');
  expect(path('/a/b/.')).toBe('/a/b/');
});

test('double slashes, other escapes and names that begin with a dot stay', () => {
  for (const same of [
    '//a//b',
    '/a%2Fb',
    '/a%252e',
    '/.well-known/x',
    '/a/...',
    '/%E6%97%A5',
    '/a;v=1,2/b',
    '/',
    '*',
  ]) {
    expect(path(same)).toBe(same);
  }
  expect(path('/a//../b')).toBe('/a/b');
});

test('backslash, blanks, control characters and relative paths are refused', () => {
  for (const bad of ['/a\\b', '/a\u0000', '/a\nb', '/a b', 'a', '', '/\u007f'])
    expect(path(bad)).toBe('bad path');
});
