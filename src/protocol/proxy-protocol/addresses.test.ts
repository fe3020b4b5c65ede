import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipv4Bytes, ipv4Text, ipv6Bytes, ipv6Text } from './addresses.ts';

describe('an IPv4 address', () => {
  it.each(['0.0.0.0', '192.168.0.1', '255.255.255.255'])('%s is one', (text) => {
    expect(ipv4Text(ipv4Bytes(text)!, 0)).toBe(text);
  });

  it.each(['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '1.2.3.4 ', '1..2.3', '+1.2.3.4', '0x1.2.3.4'])(
    '%j is none',
    (text) => expect(ipv4Bytes(text)).toBeNull(),
  );
});

describe('an IPv6 address', () => {
  // The canonical forms are those of RFC 5952 4 and 5.
  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['2001:0db8:0:0:0:0:0:0001', '2001:db8::1'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ])('%s is one: %s', (text, canonical) => expect(ipv6Text(ipv6Bytes(text)!, 0)).toBe(canonical));

  it.each([
    ...['', ':', ':::', '1', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '1:2:3:4:5:6:7::8', ':1::2'],
    ...[
      '1:',
      '12345::',
      'g::',
      '::1%lo',
      '[::1]',
      '1.2.3.4',
      '1.2.3.4::',
      '::1.2.3.4:5',
      '::1.2.3.256',
      ' ::1',
    ],
  ])('%j is none', (text) => expect(ipv6Bytes(text)).toBeNull());
});

it('what is an address is one for Node, too, and the other way round', () => {
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV4Extended(),
    fc.ipV6(),
    fc.stringMatching(/^[0-9a-f:.]{0,40}$/),
    fc.ipV6().chain((one) => fc.nat(one.length).map((at) => `${one.slice(0, at)}:${one.slice(at)}`)),
  );
  fc.assert(
    fc.property(text, (one) => {
      expect(ipv4Bytes(one) !== null, one).toBe(isIPv4(one));
      expect(ipv6Bytes(one) !== null, one).toBe(isIPv6(one));
    }),
    { numRuns: 3000 },
  );
});

it('bytes are the same behind a way over text', () => {
  const sparse = fc.oneof(fc.constant(0), fc.constant(0), fc.nat(255));
  fc.assert(
    fc.property(fc.array(sparse, { minLength: 16, maxLength: 16 }), (list) => {
      const bytes = Buffer.from(list);
      expect(ipv6Bytes(ipv6Text(bytes, 0))).toEqual(bytes);
      expect(ipv4Bytes(ipv4Text(bytes, 12))).toEqual(bytes.subarray(12));
      // The URL standard has the same canonical form, but no dotted one.
      const text = ipv6Text(bytes, 0);
      if (!text.includes('.')) expect(new URL(`http://[${text}]`).hostname).toBe(`[${text}]`);
    }),
    { numRuns: 1000 },
  );
});
