import { type Accepted, closeAccepted, isHandle } from '../proxy/transport/tcp-handle.ts';

/** Connections that wait while no worker serves; what comes beyond is closed. */
const MOST_WAITING = 1024;

/** A worker that takes connections. */
export interface Taker {
  /** @param listener name of the listener that accepted it. */
  take(accepted: Accepted, listener: string): void;
  /** Connections that it was given and that have not left for it; they are the caller's again. */
  undelivered(): Iterable<readonly [Accepted, string]>;
}

/**
 * Hands accepted connections to the workers that serve, in turn. While there is none (the only one is being replaced, or the first
 * has not begun) they wait, so that the port never refuses anybody.
 */
export class HandOver {
  readonly #takers: Taker[] = [];
  readonly #waiting: { accepted: Accepted; listener: string }[] = [];
  #next = 0;

  /** A worker serves: it gets what waits, and its part of what comes. */
  add(taker: Taker): void {
    if (this.#takers.includes(taker)) return;
    this.#takers.push(taker);
    for (const { accepted, listener } of this.#waiting.splice(0)) this.connection(accepted, listener);
  }

  /** A worker serves no more; what has not yet left for it goes to another. */
  remove(taker: Taker): void {
    const at = this.#takers.indexOf(taker);
    if (at !== -1) this.#takers.splice(at, 1);
    for (const [accepted, listener] of taker.undelivered()) this.connection(accepted, listener);
  }

  /** A connection was accepted; nothing was read from it. */
  connection(accepted: Accepted, listener: string): void {
    if (this.#takers.length > 0) {
      this.#next = (this.#next + 1) % this.#takers.length;
      this.#takers[this.#next]!.take(accepted, listener);
    } else if (this.#waiting.length < MOST_WAITING) {
      if (!isHandle(accepted)) accepted.on('error', () => accepted.destroy());
      this.#waiting.push({ accepted, listener });
    } else closeAccepted(accepted);
  }

  /** Closes what waits. */
  close(): void {
    for (const { accepted } of this.#waiting.splice(0)) closeAccepted(accepted);
  }
}
