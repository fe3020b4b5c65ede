import { describe, expect, it } from 'vitest';
import { forwardedElement, portOf, trustedAddress, trustedScheme } from './forwarding.ts';

describe('trustedAddress (Envoy, "x-forwarded-for")', () => {
  const list = '203.0.113.128, 203.0.113.10, 203.0.113.1';
  // The examples of Envoy's manual: peer 192.0.2.5.
  it.each([
    [list, 0, true, '192.0.2.5'],
    [list, 1, true, '203.0.113.1'],
    [list, 2, true, '203.0.113.10'],
    [list, 3, true, '203.0.113.128'],
    [list, 4, true, '192.0.2.5'],
    [list, 0, false, '203.0.113.1'],
    [list, 1, false, '203.0.113.10'],
    [list, 2, false, '203.0.113.128'],
    [list, 3, false, '192.0.2.5'],
    [null, 1, true, '192.0.2.5'],
    ['', 0, false, '192.0.2.5'],
    ['203.0.113.1, unknown', 1, true, '192.0.2.5'],
    ['203.0.113.1:4711', 1, true, '203.0.113.1'],
    ['[2001:db8::1]:4711', 1, true, '2001:db8::1'],
    [' 2001:db8::1 ,, ', 1, true, '2001:db8::1'],
  ])('%s, %i hops, use_remote_address %s: %s', (value, hops, usesPeer, address) => {
    expect(trustedAddress(value, '192.0.2.5', hops, usesPeer)).toBe(address);
  });
});

describe('trustedScheme', () => {
  const aside = (...values: string[]) =>
    values.map((value) => ({ name: 'x-forwarded-proto', value, neverIndexed: false }));

  it.each([
    [['https'], 1, 'https'],
    [['HTTPS'], 1, 'https'],
    [['http', 'https'], 1, 'https'],
    [['http,https'], 1, 'https'],
    [['https, http'], 2, 'https'],
    [['https'], 3, 'https'],
    [['https', 'gopher'], 1, null],
    [[], 1, null],
    [['http'], 0, 'http'],
  ] as const)('%s with %i hops: %s', (values, hops, scheme) => {
    expect(trustedScheme(aside(...values), hops)).toBe(scheme);
  });
});

describe('forwardedElement (RFC 7239)', () => {
  it('quotes what is no token', () => {
    expect(forwardedElement('192.0.2.5', 'a.test', 'http')).toBe('for=192.0.2.5;host="a.test";proto=http');
    expect(forwardedElement('2001:db8::1', '', 'https')).toBe('for="[2001:db8::1]";proto=https');
    expect(forwardedElement('', 'a"b\\c', 'http')).toBe('for=unknown;host="a\\"b\\\\c";proto=http');
  });

  it('has a port for every host', () => {
    expect([portOf('a:81', 'http'), portOf('a', 'http'), portOf('[::1]', 'https')]).toEqual([
      '81',
      '80',
      '443',
    ]);
  });
});
