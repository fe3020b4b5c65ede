import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProxyEndpoints, ProxyHeader } from './header.ts';
import { readProxyHeader } from './read.ts';
import { maxProxyV1Bytes, writeProxyV1 } from './v1.ts';
import { maxProxyV2Bytes, writeProxyV2 } from './v2.ts';

/** Reads in the middle of other bytes, of which none may matter; `end` is counted from the header's beginning. */
function read(header: Buffer | string, come = header.length): ProxyHeader {
  const bytes = Buffer.concat([Buffer.from('PROXY \r\n'), Buffer.from(header as string, 'latin1')]);
  const all = Buffer.concat([bytes.subarray(0, 8 + come), Buffer.from('\r\n\r\nGET')]);
  const result = readProxyHeader(all, 8, 8 + come);
  return result.state === 'ok' ? { ...result, end: result.end - 8 } : result;
}

/** Reads it whole, and at each length: incomplete until it is one, and refused for good once it is. */
function readAnyhow(header: Buffer | string): ProxyHeader {
  const whole = read(header);
  for (let come = 0; come < header.length; come++) {
    const result = read(header, come);
    if (whole.state === 'ok' && come >= whole.end) expect(result).toEqual(whole);
    else if (result.state === 'refused') expect(whole.state, `at ${come}: ${result.problem}`).toBe('refused');
    else expect(result.state).toBe('incomplete');
  }
  return whole;
}

const four: ProxyEndpoints = {
  family: 4,
  source: '192.168.0.1',
  sourcePort: 56_324,
  destination: '192.168.0.11',
  destinationPort: 443,
};
const six: ProxyEndpoints = {
  family: 6,
  source: '2001:db8::1',
  sourcePort: 1,
  destination: '::1',
  destinationPort: 65_535,
};

describe('version 1', () => {
  it('reads the example of the specification, and leaves what is behind it', () => {
    const line = 'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n';
    expect(readAnyhow(`${line}GET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n`)).toEqual({
      state: 'ok',
      version: 1,
      end: line.length,
      endpoints: four,
    });
    expect(writeProxyV1(four).toString('latin1')).toBe(line);
  });

  it.each([
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', 56],
    [`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`, 104],
    ['PROXY UNKNOWN\r\n', 15],
    [`PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`, maxProxyV1Bytes],
  ])('reads the longest lines of the specification: %s', (line, length) => {
    expect(line.length).toBe(length);
    expect(readAnyhow(line)).toMatchObject({ state: 'ok', end: length });
  });

  it('takes the ends of the connection itself for UNKNOWN, whatever is behind it', () => {
    for (const rest of ['', ' ', ' x', ' TCP4 1.2.3.4 5.6.7.8 1 2', ' \0\xff']) {
      expect(readAnyhow(`PROXY UNKNOWN${rest}\r\n`)).toMatchObject({ state: 'ok', endpoints: null });
    }
  });

  it('reads IPv6 addresses in any form and gives the canonical one', () => {
    expect(readAnyhow('PROXY TCP6 2001:DB8:0:0::1 0:0:0:0:0:0:0:1 1 65535\r\n')).toMatchObject({
      endpoints: six,
    });
    expect(readAnyhow('PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n')).toMatchObject({
      endpoints: { source: '::ffff:192.0.2.1' },
    });
  });

  it.each([
    ['no header', 'GET / HTTP/1.1\r\n'],
    ['no header that begins like one', 'PROXIES\r\n'],
    ['lower case', 'proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n'],
    ['two spaces', 'PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n'],
    ['two spaces inside', 'PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n'],
    ['a space at the end', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n'],
    ['a tab', 'PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n'],
    ['an LF alone', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n'],
    ['a CR alone', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rGET'],
    ['a protocol that is not known', 'PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n'],
    ['a word that begins like UNKNOWN', 'PROXY UNKNOWNS\r\n'],
    ['nothing', 'PROXY \r\n'],
    ['too few words', 'PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n'],
    ['another family', 'PROXY TCP4 ::1 ::1 1 2\r\n'],
    ['another family', 'PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n'],
    ['a zero in front', 'PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n'],
    ['a port above 65535', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n'],
    ['a port with a zero in front', 'PROXY TCP4 1.2.3.4 5.6.7.8 080 2\r\n'],
    ['a negative port', 'PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n'],
    ['a NUL', 'PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n'],
    ['107 bytes without an end', `PROXY UNKNOWN ${'x'.repeat(200)}`],
    ['108 bytes', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`],
  ])('refuses %s', (_, line) => {
    expect(readAnyhow(line)).toMatchObject({ state: 'refused', problem: expect.stringMatching(/./) });
  });
});

describe('version 2', () => {
  const head = (command: number, kind: number, length: number): Buffer =>
    Buffer.from([
      ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a],
      ...[command, kind, length >> 8, length & 255],
    ]);
  const tlv = (type: number, value: string): Buffer =>
    Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 255]), Buffer.from(value)]);
  const withBody = (command: number, kind: number, ...parts: Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    return Buffer.concat([head(command, kind, body.length), body]);
  };
  const addresses = Buffer.from([192, 168, 0, 1, 192, 168, 0, 11, 0xdc, 0x04, 0x01, 0xbb]);

  it('reads TCP over IPv4 and IPv6, as they are written', () => {
    const bytes = withBody(0x21, 0x11, addresses);
    expect(readAnyhow(bytes)).toEqual({ state: 'ok', version: 2, end: 28, endpoints: four });
    expect(writeProxyV2(four)).toEqual(bytes);
    expect(readAnyhow(Buffer.concat([writeProxyV2(six), Buffer.from('PRI * HTTP/2.0')]))).toEqual({
      state: 'ok',
      version: 2,
      end: 52,
      endpoints: six,
    });
  });

  it('passes TLVs over', () => {
    const tlvs = [tlv(0x02, 'a.test'), tlv(0x04, ''), tlv(0xe0, 'x'.repeat(300))];
    const bytes = withBody(0x21, 0x11, addresses, ...tlvs);
    expect(readAnyhow(bytes)).toMatchObject({ state: 'ok', end: bytes.length, endpoints: four });
  });

  it.each([
    ['LOCAL', writeProxyV2(null)],
    ['LOCAL with a block that is to be discarded', withBody(0x20, 0xff, Buffer.alloc(5))],
    ['UNSPEC', head(0x21, 0x00, 0)],
    ['UNSPEC with something', withBody(0x21, 0x00, Buffer.alloc(7))],
    ['an unknown transport over IPv4', withBody(0x21, 0x10, addresses)],
    ['an unknown family', withBody(0x21, 0x01, Buffer.alloc(1))],
    ['UDP', withBody(0x21, 0x12, addresses)],
    ['a UNIX socket', withBody(0x21, 0x31, Buffer.alloc(216))],
  ])('takes the ends of the connection itself: %s', (_, bytes) => {
    expect(readAnyhow(bytes)).toEqual({ state: 'ok', version: 2, end: bytes.length, endpoints: null });
  });

  it.each([
    ['another signature', Buffer.from('\r\n\r\n\0\r\nQUIT\r    ')],
    ['version 1', head(0x11, 0x11, 0)],
    ['version 3', head(0x31, 0x11, 0)],
    ['a command that is not known', head(0x22, 0x11, 0)],
    ['a family that is not known', head(0x21, 0x41, 0)],
    ['a transport that is not known', head(0x21, 0x13, 0)],
    ['a length below the addresses', withBody(0x21, 0x11, addresses.subarray(1))],
    ['a length below IPv6 addresses', withBody(0x21, 0x21, Buffer.alloc(35))],
    ['a length below UNIX addresses', withBody(0x21, 0x32, Buffer.alloc(215))],
    ['half a TLV', withBody(0x21, 0x11, addresses, Buffer.from([4, 0]))],
    ['a TLV that is longer than the header', withBody(0x21, 0x11, addresses, Buffer.from([4, 0, 1]))],
    ['a header that is too long', head(0x21, 0x11, maxProxyV2Bytes - 15)],
  ])('refuses %s', (_, bytes) => {
    expect(readAnyhow(bytes)).toMatchObject({ state: 'refused', problem: expect.stringMatching(/./) });
  });

  it('waits for as much as it takes at most', () => {
    expect(readAnyhow(head(0x21, 0x11, maxProxyV2Bytes - 16))).toEqual({ state: 'incomplete' });
  });
});

it('what is written is read again', () => {
  const port = fc.nat(65_535);
  const ends = fc.oneof(
    fc.record({
      family: fc.constant(4 as const),
      source: fc.ipV4(),
      sourcePort: port,
      destination: fc.ipV4(),
      destinationPort: port,
    }),
    fc.record({
      family: fc.constant(6 as const),
      source: fc.ipV6(),
      sourcePort: port,
      destination: fc.ipV6(),
      destinationPort: port,
    }),
  );
  fc.assert(
    fc.property(ends, (endpoints) => {
      const one = readAnyhow(writeProxyV1(endpoints));
      const two = readAnyhow(writeProxyV2(endpoints));
      expect(one).toMatchObject({ state: 'ok', version: 1, endpoints: { family: endpoints.family } });
      expect(two).toEqual({ ...one, version: 2, end: endpoints.family === 4 ? 28 : 52 });
    }),
    { numRuns: 300 },
  );
});

it.each([
  ['another family', { ...four, source: '::1' }],
  ['a name', { ...six, destination: 'localhost' }],
  ['a second line', { ...four, source: '1.2.3.4\r\nx' }],
  ['a port above 65535', { ...four, sourcePort: 65_536 }],
  ['a port that is no whole number', { ...six, destinationPort: 1.5 }],
])('nothing is written of %s', (_, endpoints) => {
  expect(() => writeProxyV1(endpoints)).toThrow(RangeError);
  expect(() => writeProxyV2(endpoints)).toThrow(RangeError);
});
