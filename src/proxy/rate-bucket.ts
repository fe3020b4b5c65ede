/** Seconds' worth of events that may come at once. */
const burstSeconds = 5;

/** A token bucket: at most `perSecond` events a second in the long run, five seconds' worth in a burst. */
export class RateBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #at = 0;

  /** @param perSecond events a second, above 0. */
  constructor(perSecond: number) {
    this.#perMs = perSecond / 1000;
    this.#capacity = Math.max(1, perSecond * burstSeconds);
    this.#tokens = this.#capacity;
  }

  /** Takes one token at the time `now` (ms); false when there is none. */
  take(now: number): boolean {
    if (this.#tokens < this.#capacity) {
      this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#at) * this.#perMs);
    }
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Gives `n` tokens back: the traffic that accompanies the events makes them harmless. */
  refund(n: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + n);
  }
}
