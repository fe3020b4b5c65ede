import { noTimeout, parseGrpcTimeout } from '../grpc/timeout.ts';
import { huffmanDecode, walked } from './huffman.ts';
import { literalText } from './value-cache.ts';

const scratch = Buffer.allocUnsafeSlow(64);

/** Milliseconds of a grpc-timeout's string literal. */
export function parseTimeout(bytes: Buffer, start: number, end: number): number {
  if (bytes[start]! < 0x80) return parseGrpcTimeout(bytes, start + 1, end);
  // Nine characters are the most that it may have; a longer literal is none, whatever it says.
  if (end - start > 16) return noTimeout;
  return parseGrpcTimeout(scratch, 0, huffmanDecode(bytes, start + 1, end, scratch, 0));
}

/** Number of a content-length's string literal; -2 when it is none of 1 to 15 digits. */
export function parseLength(bytes: Buffer, start: number, end: number): number {
  if (bytes[start]! >= 0x80) {
    const text = literalText(bytes, start, end);
    return /^\d{1,15}$/.test(text) ? Number(text) : -2;
  }
  const digits = end - start - 1;
  if (digits < 1 || digits > 15) return -2;
  let value = 0;
  for (let i = start + 1; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return -2;
    value = value * 10 + digit;
  }
  return value;
}

/** Copies `from[start, end)` to `target` at `at`; returns the position behind it. In a loop below some 24 bytes: cheaper than a call. */
export function copy(from: Buffer, start: number, end: number, target: Buffer, at: number): number {
  const length = end - start;
  if (length < 24) for (let k = 0; k < length; k++) target[at + k] = from[start + k]!;
  else target.set(from.subarray(start, end), at);
  return at + length;
}

/** RFC 9110 5.5 and RFC 9113 8.2.1: no control but HTAB, no white space at either end. */
export function isFieldValue(bytes: Buffer, start: number, end: number): boolean {
  if (end === start) return true;
  const first = bytes[start]!;
  const last = bytes[end - 1]!;
  if (first === 0x20 || first === 9 || last === 0x20 || last === 9) return false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if ((byte < 0x20 && byte !== 9) || byte === 0x7f) return false;
  }
  return true;
}

/** As {@link isFieldValue}, for the value that `huffmanWalk` has just walked over. */
export function isWalkedValue(): boolean {
  const { controls, first, last } = walked;
  return !controls && first !== 0x20 && first !== 9 && last !== 0x20 && last !== 9;
}

/** RFC 9110 5.6.2. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}
