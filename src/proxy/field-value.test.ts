import { describe, expect, it } from 'vitest';
import { fieldValue } from './request-head.ts';

describe('fieldValue', () => {
  const fields = [
    ['x-a', '1'],
    ['cookie', 'a=1'],
    ['x-a', '2'],
    ['cookie', 'b=2'],
  ].map(([name, value]) => ({ name: name!, value: value!, neverIndexed: false }));

  it('joins lines with a comma, cookies with a semicolon', () => {
    expect(fieldValue(fields, 'x-a')).toBe('1,2');
    expect(fieldValue(fields, 'cookie')).toBe('a=1; b=2');
    expect(fieldValue(fields, 'x-b')).toBeUndefined();
  });
});
