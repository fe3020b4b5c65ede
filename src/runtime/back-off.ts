/** Waiting times that double with each failure and start anew after a time without one. */
export class BackOff {
  readonly #firstMs: number;
  readonly #largestMs: number;
  readonly #calmMs: number;
  #nextMs: number;
  #lastAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param firstMs waiting time of the first failure, milliseconds.
   * @param largestMs the longest one.
   * @param calmMs so long without a failure, and it begins at `firstMs` again.
   */
  constructor(firstMs: number, largestMs: number, calmMs: number) {
    this.#firstMs = firstMs;
    this.#largestMs = largestMs;
    this.#calmMs = calmMs;
    this.#nextMs = firstMs;
  }

  /** Milliseconds to wait after a failure at `nowMs`. */
  next(nowMs: number): number {
    if (nowMs - this.#lastAtMs > this.#calmMs) this.#nextMs = this.#firstMs;
    this.#lastAtMs = nowMs;
    const wait = this.#nextMs;
    this.#nextMs = Math.min(this.#largestMs, wait * 2);
    return wait;
  }
}
