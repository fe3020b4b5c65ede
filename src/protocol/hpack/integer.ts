/**
 * Integers and strings of HPACK (RFC 7541 5.1, 5.2). The position behind what was read last stands in
 * {@link cursor}: a second return value without an object.
 */
export const cursor = { position: 0 };

/** Reads an integer whose prefix has the bits of `mask`; -1 when it is cut short or above 2^28. */
export function readInteger(bytes: Uint8Array, at: number, end: number, mask: number): number {
  let position = at;
  let value = bytes[position++]! & mask;
  if (value < mask) {
    cursor.position = position;
    return value;
  }
  for (let shift = 0; ; shift += 7) {
    if (position >= end || shift > 21) return -1;
    const byte = bytes[position++]!;
    value += (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  cursor.position = position;
  return value;
}

/** Writes an integer with a prefix of `mask`'s bits, `flags` in the bits above it. Returns the position behind it. */
export function writeInteger(
  target: Uint8Array,
  at: number,
  value: number,
  mask: number,
  flags: number,
): number {
  let to = at;
  if (value < mask) {
    target[to++] = flags | value;
    return to;
  }
  target[to++] = flags | mask;
  let rest = value - mask;
  while (rest >= 0x80) {
    target[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[to++] = rest;
  return to;
}

/** Writes `text` (latin1) as a string literal without Huffman coding. Returns the position behind it. */
export function writeString(target: Buffer, at: number, text: string): number {
  const to = writeInteger(target, at, text.length, 0x7f, 0);
  return to + target.write(text, to, 'latin1');
}
