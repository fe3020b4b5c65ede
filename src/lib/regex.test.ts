import { expect, test } from 'vitest';
import { literalPrefix, matchesWhole, regexProblem, substitute } from './regex.ts';

test('an expression has to match the whole text', () => {
  expect(matchesWhole('/a|/ab', '/ab')).toBe(true);
  expect(matchesWhole('/a', '/ab')).toBe(false);
});

test('what RE2 does not know is a problem with words', () => {
  expect(regexProblem('(?=x)')).toContain('invalid');
  expect(regexProblem('(')).not.toBeNull();
  expect(regexProblem('^/v[12]/')).toBeNull();
});

test('the literal prefix never claims more than is certain', () => {
  expect(literalPrefix('^/v[12]/search')).toBe('/v');
  expect(literalPrefix('/ab?c')).toBe('/a');
  expect(literalPrefix('/a\\.b.*')).toBe('/a.b');
  expect(literalPrefix('/a|/b')).toBe('');
  expect(literalPrefix('(?i)/a')).toBe('');
  expect(literalPrefix('/ab+c')).toBe('/ab');
});

test('groups are put in, also twice, and what does not match stays', () => {
  expect(substitute('/v([0-9])/(x+)', '/\\2/\\1', '/v1/xx/v2/x')).toBe('/xx/1/x/2');
  expect(substitute('/none', '/b', '/a$1')).toBe('/a$1');
  expect(substitute('^/a', '/$1', '/a/b')).toBe('/$1/b');
});
