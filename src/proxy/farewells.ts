import { PlaceList } from './place-list.ts';

/** What can be closed without further ado. */
export interface Closable {
  destroy(): void;
}

/** One that waits for its peer. */
export interface Farewell {
  readonly one: Closable;
  /** When it is closed (ms). */
  readonly until: number;
  place: number;
}

/**
 * Those that have said goodbye and wait for their peers to close, too. A timer each would cost 0.3 µs, and keep a connection that
 * has long gone in memory until its time is over.
 */
export class Farewells {
  readonly #waitMs: number;
  readonly #now: () => number;
  readonly #waiting = new PlaceList<Farewell>();
  #timer: NodeJS.Timeout | null = null;

  /** @param waitMs how long a peer may take. @param now milliseconds that never go back. */
  constructor(waitMs: number, now: () => number) {
    this.#waitMs = waitMs;
    this.#now = now;
  }

  /** Closes `one` when its time is over, unless it has gone before ({@link delete}). */
  add(one: Closable): Farewell {
    const farewell: Farewell = { one, until: this.#now() + this.#waitMs, place: -1 };
    this.#waiting.add(farewell);
    if (this.#timer === null) this.#wait(this.#waitMs);
    return farewell;
  }

  /** It has gone. */
  delete(farewell: Farewell): void {
    this.#waiting.delete(farewell);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#close(), ms);
    this.#timer.unref();
  }

  #close(): void {
    this.#timer = null;
    const now = this.#now();
    let next = Number.POSITIVE_INFINITY;
    for (const farewell of this.#waiting.all()) {
      // Node's timers may come a millisecond early.
      if (farewell.until > now + 1) next = Math.min(next, farewell.until);
      else {
        this.#waiting.delete(farewell);
        farewell.one.destroy();
      }
    }
    if (next < Number.POSITIVE_INFINITY && this.#timer === null) this.#wait(next - now);
  }
}
