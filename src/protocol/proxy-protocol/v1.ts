import { ipv4Bytes, ipv4Text, ipv6Bytes, ipv6Text } from './addresses.ts';
import {
  incomplete,
  isPortNumber,
  noProxyHeader,
  type ProxyEndpoints,
  type ProxyHeader,
  refused,
} from './header.ts';

/** Bytes of a line with its CRLF at most (2.1). */
export const maxProxyV1Bytes = 107;

const prefix = Buffer.from('PROXY ', 'latin1');

/**
 * Reads the line of version 1 (2.1) at `start`: one space between its words, CRLF at its end, at most
 * {@link maxProxyV1Bytes}. Behind UNKNOWN anything may stand, and is passed over.
 */
export function readProxyV1(bytes: Buffer, start: number, end: number): ProxyHeader {
  const last = Math.min(end, start + maxProxyV1Bytes);
  for (let p = start; p < last; p++) {
    const b = bytes[p]!;
    if (p - start < prefix.length) {
      if (b !== prefix[p - start]) return refused(noProxyHeader);
    } else if (b === 0x0a) {
      if (bytes[p - 1] !== 0x0d) return refused('an LF without CR in the PROXY line');
      return readLine(bytes.toString('latin1', start + prefix.length, p - 1), p + 1);
    } else if (bytes[p - 1] === 0x0d) return refused('a CR without LF in the PROXY line');
  }
  return last - start === maxProxyV1Bytes ? refused('the PROXY line is too long') : incomplete;
}

function readLine(line: string, end: number): ProxyHeader {
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) {
    return { state: 'ok', version: 1, end, endpoints: null };
  }
  const [protocol, source, destination, sourcePort, destinationPort, ...more] = line.split(' ');
  if (protocol !== 'TCP4' && protocol !== 'TCP6') return refused('the PROXY line has no known protocol');
  if (destinationPort === undefined || more.length > 0) return refused('the PROXY line has not six words');
  const family = protocol === 'TCP4' ? 4 : 6;
  const from = canonical(family, source!);
  const to = canonical(family, destination!);
  if (from === null || to === null)
    return refused('the PROXY line has an address that is none of its family');
  if (!isPort(sourcePort!) || !isPort(destinationPort))
    return refused('the PROXY line has a port that is none');
  return {
    state: 'ok',
    version: 1,
    end,
    endpoints: {
      family,
      source: from,
      sourcePort: Number(sourcePort),
      destination: to,
      destinationPort: Number(destinationPort),
    },
  };
}

function canonical(family: 4 | 6, text: string): string | null {
  const bytes = family === 4 ? ipv4Bytes(text) : ipv6Bytes(text);
  if (bytes === null) return null;
  return family === 4 ? ipv4Text(bytes, 0) : ipv6Text(bytes, 0);
}

/** Decimal, without leading zeros. */
function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/**
 * The line for these ends; `PROXY UNKNOWN` for null, which some receivers refuse (2.1). Throws a RangeError when an address
 * is none of the family, or a port none.
 */
export function writeProxyV1(endpoints: ProxyEndpoints | null): Buffer {
  if (endpoints === null) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
  const { family, source, sourcePort, destination, destinationPort } = endpoints;
  const from = canonical(family, source);
  const to = canonical(family, destination);
  if (from === null || to === null) throw new RangeError('an address is none of its family');
  if (!isPortNumber(sourcePort) || !isPortNumber(destinationPort)) throw new RangeError('a port is none');
  return Buffer.from(`PROXY TCP${family} ${from} ${to} ${sourcePort} ${destinationPort}\r\n`, 'latin1');
}
