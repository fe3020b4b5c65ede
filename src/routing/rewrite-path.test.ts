import { expect, test } from 'vitest';
import { rewritePath } from './rewrite-path.ts';

test('the prefix is replaced as text, without repair of slashes', () => {
  expect(rewritePath({ kind: 'prefix', length: 4, to: '/' }, '/foo/bar')).toBe('//bar');
  expect(rewritePath({ kind: 'prefix', length: 5, to: '/' }, '/foo/bar')).toBe('/bar');
});

test('whole, keep and expressions', () => {
  expect(rewritePath({ kind: 'whole', to: '/x' }, '/foo/bar')).toBe('/x');
  expect(rewritePath({ kind: 'keep' }, '/foo/bar')).toBe('/foo/bar');
  expect(rewritePath({ kind: 'regex', pattern: '/v([0-9]+)/', substitution: '/\\1/' }, '/v12/v3/x')).toBe(
    '/12/v3/x',
  );
});
