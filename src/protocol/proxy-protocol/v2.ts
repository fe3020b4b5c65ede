import { ipv4Bytes, ipv4Text, ipv6Bytes, ipv6Text } from './addresses.ts';
import {
  incomplete,
  isPortNumber,
  noProxyHeader,
  type ProxyEndpoints,
  type ProxyHeader,
  refused,
} from './header.ts';

/**
 * Bytes of a header that is read at most. The specification sets no limit but 16 + 65,535; the TLVs that are registered
 * come to some 700 bytes together, and a header has to arrive at once.
 */
export const maxProxyV2Bytes = 2048;

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const fixedBytes = 16;
/** Version 2 in the upper half, the command in the lower. */
const local = 0x20;
const proxy = 0x21;
/** Family in the upper half, transport in the lower. */
const tcp4 = 0x11;
const tcp6 = 0x21;
/** Bytes of the two addresses with their ports, by family: UNSPEC, INET, INET6, UNIX. */
const addressBytes: readonly number[] = [0, 12, 36, 216];

/**
 * Reads the binary header of version 2 (2.2) at `start`. TLVs behind the addresses are passed over, but have to fill the
 * header exactly; their checksum is not verified, which a receiver may leave (2.2.3). Datagrams and UNIX sockets have
 * no ends that are of use here, and are taken as UNSPEC (2.2: "Only the UNSPEC protocol byte is mandatory").
 */
export function readProxyV2(bytes: Buffer, start: number, end: number): ProxyHeader {
  const come = end - start;
  for (let i = 0; i < signature.length && i < come; i++) {
    if (bytes[start + i] !== signature[i]) return refused(noProxyHeader);
  }
  if (come <= 12) return incomplete;
  const command = bytes[start + 12]!;
  if (command !== local && command !== proxy) {
    return refused(
      command >>> 4 === 2 ? 'a PROXY command that is not known' : 'a PROXY version that is not known',
    );
  }
  if (come <= 13) return incomplete;
  const kind = bytes[start + 13]!;
  // LOCAL: "discard the protocol block including the family which is ignored".
  if (command === proxy && (kind >>> 4 > 3 || (kind & 15) > 2)) {
    return refused('a PROXY family or transport that is not known');
  }
  if (come < fixedBytes) return incomplete;
  const length = bytes.readUInt16BE(start + 14);
  if (fixedBytes + length > maxProxyV2Bytes) return refused('the PROXY header is too long');
  const behind = start + fixedBytes + length;
  // A transport of UNSPEC says that what follows is in no form that is known.
  const addresses = command === local || (kind & 15) === 0 ? 0 : addressBytes[kind >>> 4]!;
  if (length < addresses) return refused('the PROXY header is too short for its addresses');
  if (behind > end) return incomplete;
  if (addresses > 0 && !areTlvs(bytes, start + fixedBytes + addresses, behind)) {
    return refused('the PROXY header ends inside a TLV');
  }
  const endpoints = command === local ? null : endpointsAt(bytes, start + fixedBytes, kind);
  return { state: 'ok', version: 2, end: behind, endpoints };
}

/** Type, two bytes of length, value, one behind the other up to `end`. */
function areTlvs(bytes: Buffer, start: number, end: number): boolean {
  let p = start;
  while (p + 3 <= end) p += 3 + bytes.readUInt16BE(p + 1);
  return p === end;
}

function endpointsAt(bytes: Buffer, at: number, kind: number): ProxyEndpoints | null {
  if (kind !== tcp4 && kind !== tcp6) return null;
  const [family, size, text] = kind === tcp4 ? ([4, 4, ipv4Text] as const) : ([6, 16, ipv6Text] as const);
  return {
    family,
    source: text(bytes, at),
    sourcePort: bytes.readUInt16BE(at + 2 * size),
    destination: text(bytes, at + size),
    destinationPort: bytes.readUInt16BE(at + 2 * size + 2),
  };
}

/**
 * The header for these ends over TCP, without TLVs; LOCAL for null. Throws a RangeError when an address is none of the
 * family, or a port none.
 */
export function writeProxyV2(endpoints: ProxyEndpoints | null): Buffer {
  if (endpoints === null) return Buffer.concat([signature, Buffer.from([local, 0, 0, 0])]);
  const { family, source, sourcePort, destination, destinationPort } = endpoints;
  const bytesOf = family === 4 ? ipv4Bytes : ipv6Bytes;
  const from = bytesOf(source);
  const to = bytesOf(destination);
  if (from === null || to === null) throw new RangeError('an address is none of its family');
  if (!isPortNumber(sourcePort) || !isPortNumber(destinationPort)) throw new RangeError('a port is none');
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(sourcePort, 0);
  ports.writeUInt16BE(destinationPort, 2);
  const length = 2 * from.length + ports.length;
  const head = Buffer.from([proxy, family === 4 ? tcp4 : tcp6, 0, length]);
  return Buffer.concat([signature, head, from, to, ports]);
}
