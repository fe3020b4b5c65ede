import { xxhash64 } from './xxhash64.ts';

/** Points on which a sticky split places its keys. */
const POINTS = 1_000_000;
const encoder = new TextEncoder();

/**
 * The point of a key, from 0 to 999,999. Equal seeds place equal keys alike, so that several splits can divide clients in the same
 * way. Envoy comes to the same with a hash policy whose regex_rewrite puts the seed and a slash in front, and with
 * weighted clusters of a total weight of 1,000,000 that use it (use_hash_policy).
 */
export function stickyPoint(seed: string, key: string): number {
  return Number(xxhash64(encoder.encode(`${seed}/${key}`)) % BigInt(POINTS));
}

/**
 * The member on whose part of the row a point lies; members stand in their order, each as wide as its share. Raising the share of
 * the first ones only ever moves keys to them. -1 where every share is 0.
 */
export function memberAt(point: number, shares: readonly number[], denominator: number): number {
  let sum = 0;
  let last = -1;
  for (let i = 0; i < shares.length; i++) {
    if (shares[i] === 0) continue;
    last = i;
    sum += shares[i]!;
    if (point < Math.round((sum / denominator) * POINTS)) return i;
  }
  return last;
}
