const smallestChunk = 4096;
const chunkBytes = 16_384;
/** Chunks of {@link chunkBytes} that are used again: V8 collects the whole heap when much memory outside of it is made. */
const spare: Buffer[] = [];
const mostSpare = 128;

/** What is not used again is no longer than what goes in: a stream that stalls holds what it was sent. */
function chunkFor(bytes: number): Buffer {
  const fits = bytes > smallestChunk ? spare.pop() : undefined;
  return fits ?? Buffer.allocUnsafeSlow(Math.min(Math.max(smallestChunk, bytes), chunkBytes));
}

/** Body bytes that wait: copied out of the read buffer, in order. */
export class DataQueue {
  /** Bytes in it. */
  length = 0;
  #chunks: Buffer[] = [];
  #first = 0;
  #start = 0;
  /** Bytes used of the last chunk. */
  #end = 0;

  /** Appends a copy of `source[start, end)`. */
  push(source: Buffer, start: number, end: number): void {
    let from = start;
    this.length += end - start;
    const last = this.#chunks.length > this.#first ? this.#chunks[this.#chunks.length - 1]! : null;
    if (last !== null && this.#end < last.length) {
      const take = Math.min(last.length - this.#end, end - from);
      source.copy(last, this.#end, from, from + take);
      this.#end += take;
      from += take;
    }
    while (from < end) {
      const chunk = chunkFor(end - from);
      this.#end = source.copy(chunk, 0, from, end);
      from += this.#end;
      this.#chunks.push(chunk);
    }
  }

  /** Moves up to `most` bytes into `target` at `at`; returns how many. */
  take(target: Buffer, at: number, most: number): number {
    let moved = 0;
    while (moved < most && this.#first < this.#chunks.length) {
      const chunk = this.#chunks[this.#first]!;
      const isLast = this.#first === this.#chunks.length - 1;
      const end = isLast ? this.#end : chunk.length;
      const count = Math.min(most - moved, end - this.#start);
      chunk.copy(target, at + moved, this.#start, this.#start + count);
      moved += count;
      this.#start += count;
      if (this.#start === end) {
        if (chunk.length === chunkBytes && spare.length < mostSpare) spare.push(chunk);
        this.#chunks[this.#first] = released;
        this.#first++;
        this.#start = 0;
      }
    }
    if (this.#first === this.#chunks.length) {
      this.#chunks = [];
      this.#first = 0;
      this.#end = 0;
    }
    this.length -= moved;
    return moved;
  }
}

const released = Buffer.alloc(0);
