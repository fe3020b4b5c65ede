/**
 * IP addresses as text and as bytes. Text is read strictly, because two readers that take one text for different
 * addresses believe two different clients.
 */

/** Bytes of an IPv4 address in dotted form: four decimal numbers without leading zeros; null when it is none. */
export function ipv4Bytes(text: string): Buffer | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes = Buffer.alloc(4);
  for (const [i, part] of parts.entries()) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    bytes[i] = Number(part);
  }
  return bytes;
}

/**
 * Bytes of an IPv6 address (RFC 4291 2.2): groups of one to four hexadecimal digits, at most one `::` for one or more
 * groups of zeros, the last 32 bits perhaps in dotted form, no zone; null when it is none.
 */
export function ipv6Bytes(text: string): Buffer | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const first = groups(halves[0]!, halves.length === 1);
  const second = halves.length === 1 ? [] : groups(halves[1]!, true);
  if (first === null || second === null) return null;
  const missing = 8 - first.length - second.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const bytes = Buffer.alloc(16);
  for (const [i, group] of first.entries()) bytes.writeUInt16BE(group, 2 * i);
  for (const [i, group] of second.entries()) bytes.writeUInt16BE(group, 2 * (first.length + missing + i));
  return bytes;
}

/** @param last the address ends here, so that the dotted form may. */
function groups(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const list: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      list.push(Number.parseInt(part, 16));
      continue;
    }
    const dotted = last && i === parts.length - 1 ? ipv4Bytes(part) : null;
    if (dotted === null) return null;
    list.push(dotted.readUInt16BE(0), dotted.readUInt16BE(2));
  }
  return list;
}

/** The four bytes at `at` in dotted form. */
export function ipv4Text(bytes: Buffer, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** The sixteen bytes at `at` in the canonical form (RFC 5952 4), IPv4-mapped ones in dotted form (5). */
export function ipv6Text(bytes: Buffer, at: number): string {
  const list = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i));
  if (list.slice(0, 5).every((group) => group === 0) && list[5] === 0xffff) {
    return `::ffff:${ipv4Text(bytes, at + 12)}`;
  }
  // The longest run of zeros, the first of several, if it is longer than one group.
  let start = -1;
  let length = 1;
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && list[to] === 0) to++;
    if (to - from > length) {
      start = from;
      length = to - from;
    }
  }
  const hex = (from: number, to: number): string =>
    list
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return start < 0 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}
