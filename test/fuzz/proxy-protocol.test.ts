/**
 * PROXY headers, mutated and random: nothing throws, a header is the same with and without what comes behind it, and
 * none is found in its beginning; what was read is written and read as the same again.
 */
import { describe, expect } from 'vitest';
import type { ProxyEndpoints, ProxyHeader } from '../../src/protocol/proxy-protocol/header.ts';
import { readProxyHeader } from '../../src/protocol/proxy-protocol/read.ts';
import { maxProxyV1Bytes, writeProxyV1 } from '../../src/protocol/proxy-protocol/v1.ts';
import { maxProxyV2Bytes, writeProxyV2 } from '../../src/protocol/proxy-protocol/v2.ts';
import { mutated } from '../conformance/http1-mutate.ts';
import { cuts, embedded, fuzz, type Random, randomBytes, soup } from '../support/fuzz.ts';

const pieces = [
  ...['PROXY', ' ', 'TCP4', 'TCP6', 'UNKNOWN', '\r\n', '\r', '\n', '1.2.3.4', '::1', '2001:db8::2', ':', '.'],
  ...[
    '0',
    '80',
    '65535',
    '65536',
    'f',
    '\r\n\r\n\0\r\nQUIT\n',
    '\x21',
    '\x11',
    '\x20',
    '\0',
    '\0\x0c',
    '\xff',
  ],
];

function four(random: Random): ProxyEndpoints {
  const address = (): string => `${random(256)}.${random(256)}.${random(256)}.${random(256)}`;
  const port = (): number => random(65_536);
  return {
    family: 4,
    source: address(),
    sourcePort: port(),
    destination: address(),
    destinationPort: port(),
  };
}

function six(random: Random): ProxyEndpoints {
  const address = (): string =>
    Array.from({ length: 8 }, () => (random(2) === 0 ? 0 : random(65_536)).toString(16)).join(':');
  return { ...four(random), family: 6, source: address(), destination: address() };
}

function source(random: Random): Buffer {
  const ends = random(5) === 0 ? null : random(2) === 0 ? four(random) : six(random);
  switch (random(6)) {
    case 0:
      return soup(random, pieces, 16);
    case 1:
      return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n'), randomBytes(random, random(60))]);
    case 2: {
      // Version 2 with TLVs, some of which end elsewhere.
      const bytes = Buffer.concat([writeProxyV2(ends), randomBytes(random, random(40))]);
      bytes.writeUInt16BE(random(4) === 0 ? random(4096) : bytes.length - 16, 14);
      return bytes;
    }
    default: {
      const bytes = random(2) === 0 ? writeProxyV1(ends) : writeProxyV2(ends);
      return Buffer.concat([mutated(random, 2, [bytes.toString('latin1')]), soup(random, pieces, 3)]);
    }
  }
}

function read(bytes: Buffer, come: number, random: Random): ProxyHeader {
  const { bytes: all, start } = embedded(random, bytes.subarray(0, come));
  const header = readProxyHeader(all, start, start + come);
  return header.state === 'ok' ? { ...header, end: header.end - start } : header;
}

const outcomes = ['incomplete', 'ok', 'refused'] as const;

describe('PROXY headers', () => {
  fuzz('PROXY headers are read the same in any pieces', outcomes, (random) => {
    const bytes = source(random);
    const text = JSON.stringify(bytes.toString('latin1'));
    const whole = read(bytes, bytes.length, random);
    for (const cut of cuts(random, bytes.length)) {
      const header = read(bytes, cut, random);
      if (header.state !== 'incomplete') expect(header, text).toEqual(whole);
      else if (whole.state === 'ok') expect(cut, text).toBeLessThan(whole.end);
    }
    if (whole.state === 'incomplete') {
      expect(bytes.length).toBeLessThan(bytes[0] === 0x0d ? maxProxyV2Bytes : maxProxyV1Bytes);
    }
    if (whole.state !== 'ok') return whole.state;
    const { version, endpoints } = whole;
    const again = version === 1 ? writeProxyV1(endpoints) : writeProxyV2(endpoints);
    expect(read(again, again.length, random), text).toEqual({ ...whole, end: again.length });
    const other = version === 1 ? writeProxyV2(endpoints) : writeProxyV1(endpoints);
    expect(read(other, other.length, random), text).toMatchObject({ state: 'ok', endpoints });
    return whole.state;
  });
});
