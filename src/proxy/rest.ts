const firstMs = 1000;
const longestMs = 30_000;

/** How long an address is left alone after a connect that failed: 1 s, doubling to 30 s with each further one. */
export class Rest {
  #until = 0;
  #ms = 0;

  /** True until it is over. */
  lasts(now: number): boolean {
    return now < this.#until;
  }

  /** A connect has failed: the next rest is longer. */
  grow(): void {
    this.#ms = this.#ms === 0 ? firstMs : Math.min(this.#ms * 2, longestMs);
  }

  /** Rests from now on. {@link grow} comes first. */
  begin(now: number): void {
    this.#until = now + this.#ms;
  }

  /** A connect went well. */
  end(): void {
    this.#ms = 0;
    this.#until = 0;
  }
}
