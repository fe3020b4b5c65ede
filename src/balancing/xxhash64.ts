const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;
const MASK = 0xffff_ffff_ffff_ffffn;

const times = (a: bigint, b: bigint): bigint => (a * b) & MASK;
const plus = (a: bigint, b: bigint): bigint => (a + b) & MASK;
const rotate = (x: bigint, bits: bigint): bigint => ((x << bits) | (x >> (64n - bits))) & MASK;
const round = (acc: bigint, input: bigint): bigint => times(rotate(plus(acc, times(input, P2)), 31n), P1);
const merge = (acc: bigint, value: bigint): bigint => plus(times(acc ^ round(0n, value), P1), P4);

/**
 * xxHash64 with seed 0, an integer from 0 to 2^64-1: what Envoy's hash policies compute of a header's or a cookie's value
 * (xxHash specification 0.1.1; Envoy, HashUtil::xxHash64). A short value takes 2 µs: for what a route asks for, not for each call.
 */
export function xxhash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { length } = bytes;
  let at = 0;
  let hash: bigint;
  if (length >= 32) {
    let [a, b, c, d] = [plus(P1, P2), P2, 0n, MASK + 1n - P1];
    for (; at + 32 <= length; at += 32) {
      a = round(a, view.getBigUint64(at, true));
      b = round(b, view.getBigUint64(at + 8, true));
      c = round(c, view.getBigUint64(at + 16, true));
      d = round(d, view.getBigUint64(at + 24, true));
    }
    hash = plus(plus(rotate(a, 1n), rotate(b, 7n)), plus(rotate(c, 12n), rotate(d, 18n)));
    for (const lane of [a, b, c, d]) hash = merge(hash, lane);
  } else hash = P5;
  hash = plus(hash, BigInt(length));
  for (; at + 8 <= length; at += 8) {
    hash ^= round(0n, view.getBigUint64(at, true));
    hash = plus(times(rotate(hash, 27n), P1), P4);
  }
  if (at + 4 <= length) {
    hash ^= times(BigInt(view.getUint32(at, true)), P1);
    hash = plus(times(rotate(hash, 23n), P2), P3);
    at += 4;
  }
  for (; at < length; at++) {
    hash ^= times(BigInt(bytes[at]!), P5);
    hash = times(rotate(hash, 11n), P1);
  }
  hash = times(hash ^ (hash >> 33n), P2);
  hash = times(hash ^ (hash >> 29n), P3);
  return hash ^ (hash >> 32n);
}
