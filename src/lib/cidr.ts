/** An IP address as a number. An IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) is the IPv4 address in it. */
export interface IpAddress {
  /** Bits of the family: 32 or 128. */
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Addresses with the same first bits (RFC 4632); those behind `length` count for nothing. */
export interface Cidr extends IpAddress {
  readonly length: number;
}

/** Reads an address without brackets, port and zone; null when it is none. An IPv4 number has no leading zero: some read that as octal. */
export function parseAddress(text: string): IpAddress | null {
  const v4 = parseIpv4(text);
  if (v4 !== null) return { bits: 32, value: v4 };
  const v6 = parseIpv6(text);
  if (v6 === null) return null;
  return v6 >> 32n === mappedPrefix ? { bits: 32, value: v6 & 0xffff_ffffn } : { bits: 128, value: v6 };
}

/** True if two texts are the same address; what is none equals only itself. */
export function isSameAddress(a: string, b: string): boolean {
  if (a === b) return true;
  const [one, other] = [parseAddress(a), parseAddress(b)];
  return one !== null && one.bits === other?.bits && one.value === other.value;
}

/** Reads `address/length`, or an address alone, which is a range of one; returns what is wrong with it otherwise. */
export function parseCidr(text: string): Cidr | string {
  const slash = text.indexOf('/');
  const written = slash === -1 ? text : text.slice(0, slash);
  const address = parseAddress(written);
  if (address === null) return `"${written}" is no IP address`;
  // A mapped address is written with the bits of IPv6.
  const mapped = address.bits === 32 && written.includes(':') ? 96 : 0;
  const most = address.bits + mapped;
  if (slash === -1) return { ...address, length: address.bits };
  const digits = text.slice(slash + 1);
  const length = Number(digits);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits) || length > most) {
    return `"${digits}" is no length of a prefix of ${written}: 0 to ${most} are`;
  }
  if (length >= mapped) return { ...address, length: length - mapped };
  // Shorter than what makes it a mapped one: a range of IPv6, in which IPv4 addresses are not.
  return { bits: 128, value: (mappedPrefix << 32n) | address.value, length };
}

/** A set of ranges; to look an address up costs one step for each length of prefix that occurs in its family. */
export class CidrSet {
  readonly #byLength = { 32: new Map<bigint, Set<bigint>>(), 128: new Map<bigint, Set<bigint>>() };

  constructor(ranges: Iterable<Cidr>) {
    for (const { bits, value, length } of ranges) {
      const lengths = this.#byLength[bits];
      const shift = BigInt(bits - length);
      const prefixes = lengths.get(shift) ?? new Set();
      lengths.set(shift, prefixes.add(value >> shift));
    }
  }

  /** True if the address is in one of the ranges; one of IPv4 is in none of IPv6. */
  has({ bits, value }: IpAddress): boolean {
    for (const [shift, prefixes] of this.#byLength[bits]) if (prefixes.has(value >> shift)) return true;
    return false;
  }
}

/** `::ffff:0:0/96`. */
const mappedPrefix = 0xffffn;

const ipv4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

function parseIpv4(text: string): bigint | null {
  const match = ipv4.exec(text);
  if (match === null) return null;
  let value = 0;
  for (let at = 1; at <= 4; at++) {
    const number = Number(match[at]);
    if (number > 255) return null;
    value = value * 256 + number;
  }
  return BigInt(value);
}

/** RFC 4291 2.2: eight groups, one run of zeros as `::`, perhaps an IPv4 address in place of the last two. */
function parseIpv6(text: string): bigint | null {
  if (text.length > 45) return null;
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 1 ? [] : groupsOf(halves[1]!, true);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  // `::` stands for one group at least (RFC 5952 4.2.2 would have none for just one, but readers take it).
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** @param last whether an IPv4 address may end it. */
function groupsOf(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const v4 = last && index === parts.length - 1 && part.includes('.') ? Number(parseIpv4(part) ?? -1) : -1;
    if (v4 >= 0) groups.push(v4 >>> 16, v4 & 0xffff);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}
