import type { Http2Stream, SendingConnection } from './stream.ts';

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

/** Lets every stream that waits send some; round robin, one frame each, until the windows or the kernel stop it. */
export function pumpAll(connection: SendingConnection): void {
  const { waiting } = connection;
  for (let progress = true; progress && waiting.size > 0 && !connection.blocked && !connection.closed; ) {
    const before = connection.sendWindow;
    for (const stream of waiting.all()) stream.pump(1);
    progress = connection.sendWindow < before;
  }
}
