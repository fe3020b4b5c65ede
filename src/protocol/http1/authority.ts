import { byte } from './byte-classes.ts';

/** 1: part of a reg-name (RFC 3986 3.2.2) but `,`, which would make two hosts out of one for readers of lists. */
const isHostByte = new Uint8Array(256);
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+;=") {
  isHostByte[c.charCodeAt(0)] = 1;
}
const isHexDigit = new Uint8Array(256);
for (const c of '0123456789abcdefABCDEF') isHexDigit[c.charCodeAt(0)] = 1;

/**
 * True when `bytes[start, end)` is `uri-host [":" port]` (RFC 9110 7.2) as an http URI may have it: a host that is not
 * empty (4.2.1), no user information, a port of at most 65535 (it may be empty). An IP literal is an IPv6 address
 * without a zone; its groups are not counted.
 */
export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  let p = start;
  if (bytes[p] === 0x5b && p < end) {
    p++;
    const from = p;
    while (p < end && (isHexDigit[bytes[p]!] !== 0 || bytes[p] === byte.colon || bytes[p] === 0x2e)) p++;
    if (p - from < 2 || p === end || bytes[p] !== 0x5d) return false;
    p++;
  } else {
    while (p < end) {
      if (isHostByte[bytes[p]!] !== 0) p++;
      else if (
        bytes[p] === 0x25 &&
        p + 2 < end &&
        isHexDigit[bytes[p + 1]!] !== 0 &&
        isHexDigit[bytes[p + 2]!]
      )
        p += 3;
      else break;
    }
    if (p === start) return false;
  }
  if (p === end) return true;
  if (bytes[p] !== byte.colon) return false;
  let port = 0;
  for (p++; p < end; p++) {
    const digit = bytes[p]! - byte.zero;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 65_535) return false;
  }
  return true;
}
