import { describe, expect, test } from 'vitest';
import { collectResolve, parseAddress, parseCount, parseDuration } from './addresses.ts';

describe('arguments of the command line', () => {
  test('addresses', () => {
    expect(parseAddress('127.0.0.1:8080')).toEqual({ address: '127.0.0.1', port: 8080 });
    expect(parseAddress('[::1]:8080')).toEqual({ address: '::1', port: 8080 });
    expect(parseAddress('localhost:1')).toEqual({ address: 'localhost', port: 1 });
    for (const bad of ['8080', ':8080', 'a:0', 'a:65536', '::1:80', '[x]:80', 'a:8o', '']) {
      expect(() => parseAddress(bad), bad).toThrow();
    }
  });

  test('--resolve, several times for one service too', () => {
    const first = collectResolve('a.default:80=127.0.0.1:9001,127.0.0.1:9002');
    expect(first).toEqual([
      {
        service: 'a.default:80',
        endpoints: [
          { address: '127.0.0.1', port: 9001 },
          { address: '127.0.0.1', port: 9002 },
        ],
      },
    ]);
    expect(collectResolve('a.default:80=127.0.0.1:9003', first)[0]?.endpoints.length).toBe(3);
    for (const bad of ['a=127.0.0.1:1', 'a:80', '=1.1.1.1:1', 'a:80=x', 'a:80=1.1.1.1:1,']) {
      expect(() => collectResolve(bad), bad).toThrow();
    }
  });

  test('counts and durations', () => {
    expect(parseCount('12')).toBe(12);
    expect([parseDuration('10s'), parseDuration('500ms'), parseDuration('5m'), parseDuration('2')]).toEqual([
      10_000, 500, 300_000, 2000,
    ]);
    for (const bad of ['0', '-1', '1.5', 'x']) expect(() => parseCount(bad)).toThrow();
    for (const bad of ['', 's', '-1s', '1d']) expect(() => parseDuration(bad)).toThrow();
  });
});
