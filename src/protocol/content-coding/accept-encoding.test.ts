import { describe, expect, it } from 'vitest';
import { chooseCoding } from './accept-encoding.ts';

describe('chooseCoding (RFC 9110 12.5.3)', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['gzip', 'gzip'],
    ['GZip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0.5', 'gzip'],
    ['gzip ; q=0.001', 'gzip'],
    ['gzip;q=0', null],
    ['gzip;q=0.000', null],
    ['*', 'br'],
    ['*;q=0.5, br;q=0', 'gzip'],
    ['*;q=0', null],
    ['identity', null],
    ['identity;q=1, gzip;q=0.5', null],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['identity;q=0, gzip', 'gzip'],
    ['gzip;q=2', null],
    ['gzip;q=0.1234', null],
    ['gzip;q=', null],
    ['deflate', null],
    [' , gzip ,', 'gzip'],
    ['gzip;level=9;q=0.2', 'gzip'],
  ])('%s: %s', (accepts, coding) => {
    expect(chooseCoding(accepts, ['br', 'gzip'])).toBe(coding);
  });

  it('takes nothing that is not on offer', () => {
    expect(chooseCoding('br, gzip', ['gzip'])).toBe('gzip');
    expect(chooseCoding('*', [])).toBeNull();
  });
});
