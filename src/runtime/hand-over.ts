import type { Socket } from 'node:net';

/** Connections that wait while no worker serves; what comes beyond is closed. */
const MOST_WAITING = 1024;

/** A worker that takes connections. */
export interface Taker {
  /** @param listener name of the listener that accepted it. */
  take(socket: Socket, listener: string): void;
  /** Connections that it was given and that have not left for it; they are the caller's again. */
  undelivered(): Iterable<readonly [Socket, string]>;
}

/**
 * Hands accepted connections to the workers that serve, in turn. While there is none (the only one is being replaced, or the first
 * has not begun) they wait, so that the port never refuses anybody.
 */
export class HandOver {
  readonly #takers: Taker[] = [];
  readonly #waiting: { socket: Socket; listener: string }[] = [];
  #next = 0;

  /** A worker serves: it gets what waits, and its part of what comes. */
  add(taker: Taker): void {
    if (this.#takers.includes(taker)) return;
    this.#takers.push(taker);
    for (const { socket, listener } of this.#waiting.splice(0)) this.connection(socket, listener);
  }

  /** A worker serves no more; what has not yet left for it goes to another. */
  remove(taker: Taker): void {
    const at = this.#takers.indexOf(taker);
    if (at !== -1) this.#takers.splice(at, 1);
    for (const [socket, listener] of taker.undelivered()) this.connection(socket, listener);
  }

  /** A connection was accepted. @param socket paused. */
  connection(socket: Socket, listener: string): void {
    if (this.#takers.length > 0) {
      this.#next = (this.#next + 1) % this.#takers.length;
      this.#takers[this.#next]!.take(socket, listener);
    } else if (this.#waiting.length < MOST_WAITING) {
      socket.on('error', () => socket.destroy());
      this.#waiting.push({ socket, listener });
    } else socket.destroy();
  }

  /** Closes what waits. */
  close(): void {
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
  }
}
