import { describe, expect, it } from 'vitest';
import { isTraceparent, newTraceparent } from './traceparent.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';

describe('traceparent (W3C Trace Context 3.2)', () => {
  it.each([
    [`00-${trace}-${parent}-01`, true],
    [`00-${trace}-${parent}-00`, true],
    [`cc-${trace}-${parent}-01`, true],
    [`cc-${trace}-${parent}-01-what-the-future-brings`, true],
    [`cc-${trace}-${parent}-01x`, false],
    [`00-${trace}-${parent}-01-more`, false],
    [`ff-${trace}-${parent}-01`, false],
    [`00-${'0'.repeat(32)}-${parent}-01`, false],
    [`00-${trace}-${'0'.repeat(16)}-01`, false],
    [`00-${trace.toUpperCase()}-${parent}-01`, false],
    [`00-${trace}-${parent}`, false],
    [`00-${trace}-${parent}-01, 00-${trace}-${parent}-01`, false],
    ['', false],
  ])('%s: %s', (value, valid) => {
    expect(isTraceparent(value)).toBe(valid);
  });

  it('begins with identifiers that are valid, whatever the random bits are', () => {
    for (const bits of ['0'.repeat(48), 'a'.repeat(48), `${'0'.repeat(32)}${'b'.repeat(16)}`]) {
      expect(isTraceparent(newTraceparent(bits, true))).toBe(true);
    }
    expect(newTraceparent('a'.repeat(48), false).endsWith('-00')).toBe(true);
  });
});
