/** A piece of memory that the heads and first bytes of several calls lie in. */
export interface Chunk {
  readonly bytes: Buffer;
  /** Calls that still need something in it. */
  live: number;
}

/**
 * Where request heads are written when they are read, and where they stay until the upstream has begun to
 * answer: a refused call is sent again from here without having been copied.
 * One per worker. Chunks are used again when nothing in them is needed; at most `maxChunks` are kept for
 * calls that wait, so memory is bounded, and calls beyond that are not kept.
 */
export class Arena {
  current: Chunk;
  /** First free byte of the current chunk. */
  position = 0;
  readonly #chunkBytes: number;
  readonly #maxChunks: number;
  readonly #free: Chunk[] = [];
  #chunks = 1;

  /** @param chunkBytes more than the largest head; @param maxChunks 1 or more. */
  constructor(chunkBytes: number, maxChunks: number) {
    this.#chunkBytes = chunkBytes;
    this.#maxChunks = maxChunks;
    this.current = { bytes: Buffer.allocUnsafeSlow(chunkBytes), live: 0 };
  }

  /** Bytes left in the current chunk. */
  get room(): number {
    return this.#chunkBytes - this.position;
  }

  /** False when so many chunks are held by waiting calls that further ones should not be kept. */
  get mayKeep(): boolean {
    return this.#chunks <= this.#maxChunks;
  }

  /** Moves on to a chunk with nothing in it, taking along the `length` bytes at `start` of the current one. */
  next(start: number, length: number): void {
    const before = this.current;
    const after = this.#free.pop() ?? this.#make();
    before.bytes.copy(after.bytes, 0, start, start + length);
    if (before.live === 0) this.#give(before);
    this.current = after;
    this.position = length;
  }

  /** One call less needs `chunk`. */
  release(chunk: Chunk): void {
    if (--chunk.live !== 0) return;
    if (chunk === this.current) this.position = 0;
    else this.#give(chunk);
  }

  #make(): Chunk {
    this.#chunks++;
    return { bytes: Buffer.allocUnsafeSlow(this.#chunkBytes), live: 0 };
  }

  #give(chunk: Chunk): void {
    // A call that outgrew its chunk brought its own memory.
    if (chunk.bytes.length !== this.#chunkBytes) return;
    if (this.#free.length < 4) this.#free.push(chunk);
    else this.#chunks--;
  }
}
