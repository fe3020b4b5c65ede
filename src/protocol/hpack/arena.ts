/** A piece of memory that the heads and first bytes of several calls lie in. */
export interface Chunk {
  readonly bytes: Buffer;
  /** Calls that still need something in it. */
  live: number;
  /** 0: heads of many calls lie in it. Else one call's own, of two to the power of so many bytes. */
  readonly power: number;
}

/** Of memory that calls had for themselves, so much is kept for others: 64 bodies of 64 KiB at a time. */
const mostSpareBytes = 8_388_608;

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
  /** By their power. */
  readonly #spare: Chunk[][] = Array.from({ length: 32 }, () => []);
  #spareBytes = 0;

  /** @param chunkBytes more than the largest head; @param maxChunks 1 or more. */
  constructor(chunkBytes: number, maxChunks: number) {
    this.#chunkBytes = chunkBytes;
    this.#maxChunks = maxChunks;
    this.current = { bytes: Buffer.allocUnsafeSlow(chunkBytes), live: 0, power: 0 };
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

  /**
   * At least `bytes` (2 or more) for one call, which has them until it releases them. They are used again: memory made for each body
   * of 64 KiB had V8 collect the whole heap every hundred calls.
   */
  own(bytes: number): Chunk {
    const power = 32 - Math.clz32(bytes - 1);
    const spare = this.#spare[power]!.pop();
    if (spare === undefined) return { bytes: Buffer.allocUnsafeSlow(2 ** power), live: 1, power };
    this.#spareBytes -= spare.bytes.length;
    spare.live = 1;
    return spare;
  }

  /** One call less needs `chunk`. */
  release(chunk: Chunk): void {
    if (--chunk.live !== 0) return;
    if (chunk === this.current) this.position = 0;
    else this.#give(chunk);
  }

  #make(): Chunk {
    this.#chunks++;
    return { bytes: Buffer.allocUnsafeSlow(this.#chunkBytes), live: 0, power: 0 };
  }

  #give(chunk: Chunk): void {
    if (chunk.power > 0) {
      if (this.#spareBytes + chunk.bytes.length > mostSpareBytes) return;
      this.#spareBytes += chunk.bytes.length;
      this.#spare[chunk.power]!.push(chunk);
    } else if (this.#free.length < 4) this.#free.push(chunk);
    else this.#chunks--;
  }
}
