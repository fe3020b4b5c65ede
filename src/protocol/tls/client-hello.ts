/** What the first bytes of a connection are. */
export type FirstBytes =
  /** Everything so far could become a ClientHello. */
  | { readonly kind: 'incomplete' }
  /** A whole ClientHello. `serverName`: its SNI in lower case, null = none. */
  | { readonly kind: 'hello'; readonly serverName: string | null }
  /** No TLS: its first byte is not that of a handshake record. */
  | { readonly kind: 'cleartext' }
  /** Something that begins as TLS does and goes on otherwise. */
  | { readonly kind: 'malformed' };

/** The most bytes of a ClientHello with its records; real ones have 200 to 2000. (Envoy's limit, too.) */
export const mostHelloBytes = 16_384;

const handshakeRecord = 22;
const clientHello = 1;
const serverNameExtension = 0;
const hostName = 0;
const mostRecordBytes = 16_384;

const incomplete: FirstBytes = { kind: 'incomplete' };
const malformed: FirstBytes = { kind: 'malformed' };

/**
 * Looks at the first bytes of a connection, as far as the choice of a certificate needs it: the versions, ciphers and
 * certificates that a server takes are settings of the whole connection, so the server name has to be known before
 * OpenSSL sees a byte. RFC 8446 4.1.2 and 5.1, RFC 6066 3. Never throws.
 */
export function readFirstBytes(bytes: Uint8Array): FirstBytes {
  if (bytes.length === 0) return incomplete;
  if (bytes[0] !== handshakeRecord) return { kind: 'cleartext' };
  const message = joinRecords(bytes);
  if (message === null) return malformed;
  if (message.length > 0 && message[0] !== clientHello) return malformed;
  if (message.length < 4) return incomplete;
  const length = uint24(message, 1);
  if (length > mostHelloBytes) return malformed;
  if (message.length < 4 + length) return incomplete;
  return readHello(message.subarray(4, 4 + length));
}

/** What the records hold of the handshake; null = they are none. */
function joinRecords(bytes: Uint8Array): Uint8Array | null {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== handshakeRecord) return null;
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return null;
    if (at + 5 > bytes.length) break;
    const length = uint16(bytes, at + 3);
    if (length === 0 || length > mostRecordBytes) return null;
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    total += part.length;
    at += 5 + length;
    // Anything behind the ClientHello (early data) is OpenSSL's business.
    if (total >= 4 && total >= 4 + lengthOf(parts)) break;
  }
  if (parts.length === 1) return parts[0]!;
  const joined = new Uint8Array(total);
  let to = 0;
  for (const part of parts) {
    joined.set(part, to);
    to += part.length;
  }
  return joined;
}

/** Length of the message whose first four bytes may lie in several parts. */
function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  let n = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length && n < 4; i++, n++) if (n > 0) length = length * 256 + part[i]!;
  }
  return length;
}

function readHello(hello: Uint8Array): FirstBytes {
  // legacy_version and random.
  let at = 34;
  at = skip(hello, at, 1);
  at = skip(hello, at, 2);
  at = skip(hello, at, 1);
  if (at < 0) return malformed;
  if (at === hello.length) return { kind: 'hello', serverName: null };
  const end = skip(hello, at, 2);
  if (end !== hello.length) return malformed;
  at += 2;
  while (at < end) {
    if (at + 4 > end) return malformed;
    const type = uint16(hello, at);
    const next = at + 4 + uint16(hello, at + 2);
    if (next > end) return malformed;
    if (type === serverNameExtension) {
      const serverName = readServerName(hello.subarray(at + 4, next));
      return serverName === null ? malformed : { kind: 'hello', serverName };
    }
    at = next;
  }
  return { kind: 'hello', serverName: null };
}

function readServerName(extension: Uint8Array): string | null {
  if (skip(extension, 0, 2) !== extension.length) return null;
  let at = 2;
  while (at + 3 <= extension.length) {
    const next = at + 3 + uint16(extension, at + 1);
    if (next > extension.length) return null;
    if (extension[at] === hostName) return nameOf(extension.subarray(at + 3, next));
    at = next;
  }
  return null;
}

/** A name in visible ASCII; anything else is nobody's. */
function nameOf(bytes: Uint8Array): string | null {
  if (bytes.length === 0 || bytes.length > 255) return null;
  let name = '';
  for (const byte of bytes) {
    if (byte <= 0x20 || byte >= 0x7f) return null;
    name += String.fromCharCode(byte);
  }
  return name.toLowerCase();
}

/** The place behind a vector whose length stands at `at` in so many bytes; -1 = it is cut off, as from -1 on. */
function skip(bytes: Uint8Array, at: number, lengthBytes: 1 | 2): number {
  if (at < 0 || at + lengthBytes > bytes.length) return -1;
  const length = lengthBytes === 1 ? bytes[at]! : uint16(bytes, at);
  const end = at + lengthBytes + length;
  return end > bytes.length ? -1 : end;
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 65_536 + uint16(bytes, at + 1);
}
