import type { Http2Stream } from './stream.ts';

/** Streams that have something to send and could not. Nearly always empty, and then it costs nothing. */
export class WaitingStreams {
  #streams: Set<Http2Stream> | null = null;

  get size(): number {
    return this.#streams === null ? 0 : this.#streams.size;
  }

  add(stream: Http2Stream): void {
    this.#streams ??= new Set();
    this.#streams.add(stream);
  }

  delete(stream: Http2Stream): void {
    this.#streams?.delete(stream);
  }

  clear(): void {
    this.#streams = null;
  }

  /** All of them, in the order in which they began to wait; a copy. */
  all(): Http2Stream[] {
    return this.#streams === null ? [] : [...this.#streams];
  }
}
