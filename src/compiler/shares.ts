import { gcd } from '../lib/integer.ts';

/** Shares of the members in units of a denominator, and what is left over for nobody. */
export interface Shares {
  readonly denominator: number;
  /** One for each weight, in their order. */
  readonly shares: readonly number[];
  /** What falls through, or has no member to take it. */
  readonly rest: number;
  readonly sum: number;
  readonly verdict: 'fits' | 'below' | 'above' | 'rescaled';
}

/** The largest denominator that a split may have. */
const MAX_DENOMINATOR = 2 ** 31 - 1;

/**
 * Divides 100 % among members with weights in percent (null = no weight), exactly, in integers. Members without
 * a weight share what the weights leave, equally. A sum above 100 is scaled down in proportion. `rescale`: what
 * all weighted members leave is not left, but they are scaled up to 100 (as v0 did). Weights count to 6 decimals.
 */
export function divide(weights: readonly (number | null)[], rescale: boolean): Shares {
  const unweighted = weights.filter((weight) => weight === null).length;
  const { units, scaled } = toIntegers(weights, Math.max(1, unweighted));
  const total = 100 * units;
  const sum = scaled.reduce<number>((all, weight) => all + (weight ?? 0), 0);
  const percent = sum / units;
  const scaleUp = rescale && unweighted === 0 && sum > 0 && sum < total;
  if (sum > total || scaleUp) {
    const verdict = rescale ? 'rescaled' : 'above';
    return reduce({
      denominator: sum,
      shares: scaled.map((weight) => weight ?? 0),
      rest: 0,
      sum: percent,
      verdict,
    });
  }
  const n = Math.max(1, unweighted);
  const left = total - sum;
  return reduce({
    denominator: total * n,
    shares: scaled.map((weight) => (weight === null ? left : weight * n)),
    rest: unweighted > 0 ? 0 : left * n,
    sum: percent,
    verdict: unweighted === 0 && left > 0 ? 'below' : 'fits',
  });
}

function toIntegers(
  weights: readonly (number | null)[],
  n: number,
): { units: number; scaled: (number | null)[] } {
  let units = 1;
  const fits = (next: number): boolean => {
    const sum = weights.reduce<number>((all, weight) => all + (weight ?? 0), 0);
    return Math.max(100, sum) * next * n <= MAX_DENOMINATOR;
  };
  const exact = (): boolean =>
    weights.every((weight) => weight === null || Number.isInteger(round(weight * units)));
  while (units < 1_000_000 && !exact() && fits(units * 10)) units *= 10;
  return { units, scaled: weights.map((weight) => (weight === null ? null : Math.round(weight * units))) };
}

/** Takes away the dust of binary fractions: 0.07 × 100 is 7. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function reduce(shares: Shares): Shares {
  const divisor = shares.shares.reduce(gcd, gcd(shares.rest, shares.denominator));
  if (divisor <= 1) return shares;
  return {
    ...shares,
    denominator: shares.denominator / divisor,
    shares: shares.shares.map((share) => share / divisor),
    rest: shares.rest / divisor,
  };
}
