import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cidr, CidrSet, isSameAddress, parseAddress, parseCidr } from './cidr.ts';

const range = (text: string): Cidr => {
  const read = parseCidr(text);
  if (typeof read === 'string') throw new Error(read);
  return read;
};
const has = (address: string, ...ranges: string[]): boolean =>
  new CidrSet(ranges.map(range)).has(parseAddress(address)!);

describe('parseAddress', () => {
  test.each([
    ['0.0.0.0', 32, 0n],
    ['255.255.255.255', 32, 0xffff_ffffn],
    ['::', 128, 0n],
    ['::1', 128, 1n],
    ['2001:DB8::1', 128, (0x2001_0db8n << 96n) | 1n],
    ['1:2:3:4:5:6:7:8', 128, 0x0001_0002_0003_0004_0005_0006_0007_0008n],
    ['64:ff9b::192.0.2.1', 128, (0x64_ff9bn << 96n) | 0xc000_0201n],
    ['::ffff:192.0.2.1', 32, 0xc000_0201n],
    ['::FFFF:c000:201', 32, 0xc000_0201n],
  ])('%s', (text, bits, value) => {
    expect(parseAddress(text)).toEqual({ bits, value });
  });

  test.each(
    [
      ['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4 ', ' 1.2.3.4', '0x1.2.3.4', '1.2.3.-4'],
      [
        ':',
        ':::',
        '1::2::3',
        '1:2:3:4:5:6:7',
        '1:2:3:4:5:6:7:8:9',
        '1:2:3:4:5:6:7::8:9',
        '12345::',
        'g::',
        '::1%lo',
      ],
      ['[::1]', '::1.2.3', '1.2.3.4::', '::1.2.3.4:5', ':1::', '1::2:', '::256.0.0.1'],
    ].flat(),
  )('"%s" is none', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test('takes what Node takes, but for zones', () => {
    const part = fc.constantFrom(
      '0',
      '1',
      '00',
      'ffff',
      'FfFf',
      '12345',
      '255',
      '256',
      '1.2.3.4',
      '01.2.3.4',
      '',
    );
    const joined = fc.array(fc.tuple(part, fc.constantFrom(':', '::', '.')), { maxLength: 9 });
    const odd = joined.map((parts) => parts.flat().join('').replace(/[:.]$/, ''));
    fc.assert(
      fc.property(
        fc.oneof(
          odd,
          joined.map((parts) => parts.flat().join('')),
          fc.ipV4(),
          fc.ipV6(),
        ),
        (text) => {
          expect(parseAddress(text) !== null).toBe(isIP(text) !== 0);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

test('isSameAddress: by what is meant, and not by its text', () => {
  expect(isSameAddress('::1', '0:0::0001')).toBe(true);
  expect(isSameAddress('::ffff:127.0.0.1', '127.0.0.1')).toBe(true);
  expect(isSameAddress('::1', '0.0.0.1')).toBe(false);
  expect(isSameAddress('localhost', 'localhost')).toBe(true);
  expect(isSameAddress('localhost', '127.0.0.1')).toBe(false);
});

describe('parseCidr', () => {
  test('an address alone is a range of one; bits behind the prefix count for nothing', () => {
    expect(range('10.1.2.3')).toMatchObject({ bits: 32, length: 32 });
    expect(range('::1')).toMatchObject({ bits: 128, length: 128 });
    expect(has('10.9.9.9', '10.1.2.3/8')).toBe(true);
    expect(has('11.0.0.0', '10.1.2.3/8')).toBe(false);
  });

  test('of a mapped address it is the range of IPv4, if that is long enough', () => {
    expect(range('::ffff:10.0.0.0/104')).toEqual(range('10.0.0.0/8'));
    expect(range('::ffff:10.0.0.1')).toEqual(range('10.0.0.1'));
    expect(range('::ffff:10.0.0.1/64')).toMatchObject({ bits: 128, length: 64 });
  });

  test.each([
    ['10.0.0.0/33', '"33" is no length of a prefix of 10.0.0.0: 0 to 32 are'],
    ['::/129', '"129" is no length of a prefix of ::: 0 to 128 are'],
    ['10.0.0.0/', '"" is no length of a prefix of 10.0.0.0: 0 to 32 are'],
    ['10.0.0.0/08', '"08" is no length of a prefix of 10.0.0.0: 0 to 32 are'],
    ['10.0.0.0/+8', '"+8" is no length of a prefix of 10.0.0.0: 0 to 32 are'],
    ['10.0.0.0/8/8', '"8/8" is no length of a prefix of 10.0.0.0: 0 to 32 are'],
    ['10.0.0/8', '"10.0.0" is no IP address'],
    ['example.org', '"example.org" is no IP address'],
    ['', '"" is no IP address'],
  ])('%s: %s', (text, reason) => {
    expect(parseCidr(text)).toBe(reason);
  });
});

describe('CidrSet', () => {
  test('families are apart; /0 is all of one', () => {
    expect(has('1.2.3.4', '::/0')).toBe(false);
    expect(has('::1', '0.0.0.0/0')).toBe(false);
    expect(has('::1', '::/0')).toBe(true);
    expect(has('::ffff:1.2.3.4', '1.2.3.0/24')).toBe(true);
    expect(has('1.2.3.4')).toBe(false);
  });

  const family = fc.constantFrom<4 | 6>(4, 6);

  test('says what Node’s BlockList says', () => {
    const addressOf = (kind: 4 | 6) => (kind === 4 ? fc.ipV4() : fc.ipV6());
    const ranges = fc.array(
      family.chain((kind) =>
        fc.record({
          kind: fc.constant(kind),
          address: addressOf(kind),
          length: fc.integer({ min: 0, max: kind === 4 ? 32 : 128 }),
        }),
      ),
      { maxLength: 6 },
    );
    const asked = family.chain((kind) => fc.record({ kind: fc.constant(kind), address: addressOf(kind) }));
    const isMapped = (text: string): boolean => text.includes(':') && parseAddress(text)!.bits === 32;
    fc.assert(
      fc.property(ranges, asked, (list, { kind, address }) => {
        fc.pre(!isMapped(address) && !list.some((one) => isMapped(one.address)));
        // Node looks an address of IPv4 up among mapped ranges of IPv6, too, such as ::/0.
        const same = list.filter((one) => one.kind === kind);
        const strict = new BlockList();
        for (const one of same) strict.addSubnet(one.address, one.length, one.kind === 4 ? 'ipv4' : 'ipv6');
        const set = new CidrSet(list.map((one) => range(`${one.address}/${one.length}`)));
        expect(set.has(parseAddress(address)!)).toBe(strict.check(address, kind === 4 ? 'ipv4' : 'ipv6'));
      }),
      { numRuns: 1000 },
    );
  });

  test('an address that shares the prefix is in, one that differs in its last bit is not', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
        fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
        fc.integer({ min: 1, max: 128 }),
        (value, noise, length) => {
          const shift = BigInt(128 - length);
          const set = new CidrSet([{ bits: 128, value, length }]);
          const inside = ((value >> shift) << shift) | (noise & ((1n << shift) - 1n));
          expect(set.has({ bits: 128, value: inside })).toBe(true);
          expect(set.has({ bits: 128, value: inside ^ (1n << shift) })).toBe(false);
        },
      ),
    );
  });
});
