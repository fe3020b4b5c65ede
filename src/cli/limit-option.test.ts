import { describe, expect, it } from 'vitest';
import { collectLimit } from './limit-option.ts';

describe('--limit', () => {
  it('reads several', () => {
    expect(collectLimit('ping_flood=5', collectLimit('connections=7'))).toEqual({
      connections: 7,
      ping_flood: 5,
    });
  });

  it('names the nearest limit, or all of them', () => {
    expect(() => collectLimit('ping_floud=5')).toThrow('Did you mean ping_flood?');
    expect(() => collectLimit('x=5')).toThrow('Limits: header_list_bytes');
  });

  it.each(['ping_flood', 'ping_flood=', 'ping_flood=0', 'ping_flood=-1', 'ping_flood=1.5', 'ping_flood=x'])(
    'refuses %s',
    (text) => {
      expect(() => collectLimit(text)).toThrow('a whole number of at least 1 (1/s)');
    },
  );
});
