/** A uniformly distributed integer in [0, n), n from 1 to 2^31-1. */
export type RandomInteger = (n: number) => number;

/**
 * Draws one of two sides by *randomised rounding*: for the n-th call with share w = share/denominator the
 * chance is w, whatever came before has been, and the count after n calls is always ⌊n·w⌋ or ⌈n·w⌉.
 * With a = frac((n−1)·w), b = a + w, and "over" meaning that the count exceeds ⌊(n−1)·w⌋:
 * b < 1 → chance 0 when over, else w/(1−a); b ≥ 1 → chance (b−1)/a when over, else 1.
 * All in integers: nothing drifts, however long it runs. It is no coin (20 of 100 calls are exactly 20) and no
 * rotation (which one of five it is cannot be foreseen, nor coincide with a periodic client).
 */
class PairDraw {
  readonly #share: number;
  readonly #denominator: number;
  /** Numerator of frac((n−1)·w). */
  #fraction = 0;
  #over = false;

  constructor(share: number, denominator: number) {
    this.#share = share;
    this.#denominator = denominator;
  }

  next(random: RandomInteger): boolean {
    const whole = this.#denominator;
    const share = this.#share;
    const a = this.#fraction;
    const b = a + share;
    let hit: boolean;
    if (b < whole) {
      hit = !this.#over && share > 0 && random(whole - a) < share;
      // ⌊n·w⌋ has not grown: a hit now puts the count above it, and an earlier surplus stays.
      this.#over = this.#over || hit;
      this.#fraction = b;
    } else {
      hit = !this.#over || (a > 0 && random(a) < b - whole);
      // ⌊n·w⌋ has grown by one: a surplus is used up, unless this call made another.
      this.#over = this.#over && hit;
      this.#fraction = b - whole;
    }
    return hit;
  }
}

/**
 * The draw of a split: nested pairs in the order of its members (canaries first), so that each member is
 * within one call of its share at every moment for the first, and within 1 for the others.
 * The state belongs to a worker and a split, and survives what leaves the shares as they are.
 */
export class SplitDraw {
  readonly #pairs: PairDraw[] = [];
  readonly #index: number[] = [];
  readonly #last: number;

  /** @param shares integers of 0 and more that add up to `denominator` (1 to 2^31-1). */
  constructor(shares: readonly number[], denominator: number) {
    let left = denominator;
    let last = -1;
    for (let i = 0; i < shares.length; i++) {
      const share = shares[i]!;
      if (share === 0) continue;
      last = i;
      if (share === left) break;
      this.#pairs.push(new PairDraw(share, left));
      this.#index.push(i);
      left -= share;
    }
    this.#last = last;
  }

  /** Index of the member that gets the next call; -1 when every share is 0. */
  next(random: RandomInteger): number {
    const pairs = this.#pairs;
    for (let i = 0; i < pairs.length; i++) if (pairs[i]!.next(random)) return this.#index[i]!;
    return this.#last;
  }
}
