/** Bytes that HTTP/1.1's grammar names. */
export const byte = {
  tab: 0x09,
  lf: 0x0a,
  cr: 0x0d,
  space: 0x20,
  quote: 0x22,
  hash: 0x23,
  comma: 0x2c,
  slash: 0x2f,
  zero: 0x30,
  colon: 0x3a,
  semicolon: 0x3b,
  equals: 0x3d,
  question: 0x3f,
  backslash: 0x5c,
} as const;

/** 1 for the characters of a token (tchar of RFC 9110 5.6.2): methods, field names, list members. */
export const isTokenByte = new Uint8Array(256);
for (const c of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  isTokenByte[c.charCodeAt(0)] = 1;
}

/**
 * 1 for what a request target may consist of: visible ASCII without `#`. RFC 3986 has no place for `"<>\^{|}` and the
 * backtick, but browsers send some of them, and nobody reads another end of the target out of them. A fragment
 * (RFC 9112 3.2: a target has none) and bytes above ASCII (readers differ: Latin-1, UTF-8, refused) are refused.
 */
export const isTargetByte = new Uint8Array(256);
for (let i = 0x21; i < 0x7f; i++) isTargetByte[i] = i === byte.hash ? 0 : 1;

/** Any byte to its lower case (ASCII only). */
export const lowerCase = new Uint8Array(256);
for (let i = 0; i < 256; i++) lowerCase[i] = i >= 0x41 && i <= 0x5a ? i | 0x20 : i;

/** True when `bytes[start, end)` is `text`, which is in lower case, ignoring the case of letters. */
export function equalsIgnoreCase(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (lowerCase[bytes[start + i]!] !== text[i]) return false;
  return true;
}

/** True when `bytes[start, end)` is one or more characters of a token. */
export function isTokenBytes(bytes: Uint8Array, start: number, end: number): boolean {
  if (start >= end) return false;
  for (let i = start; i < end; i++) if (isTokenByte[bytes[i]!] === 0) return false;
  return true;
}

/** OWS of RFC 9110 5.6.3. */
export function isBlank(b: number): boolean {
  return b === byte.space || b === byte.tab;
}
