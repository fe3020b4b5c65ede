import { endOfHead } from '../../protocol/http1/head-end.ts';

const smallest = 1024;
const nothing = Buffer.alloc(0);

/** Bytes of a connection that cannot be used yet: a head that is incomplete, or a request behind the one under way. */
export class Carry {
  bytes: Buffer = nothing;
  length = 0;

  /** Appends a copy of `source[start, end)`, which may lie in {@link bytes} itself. */
  push(source: Buffer, start: number, end: number): void {
    const length = this.length + end - start;
    if (this.bytes.length < length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(smallest, length * 2));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    source.copy(this.bytes, this.length, start, end);
    this.length = length;
  }

  /** As {@link push}, for bytes of a head: false while they cannot be the whole of it. @param most bytes that a head may have. */
  pushHead(source: Buffer, length: number, most: number): boolean {
    const before = this.length;
    this.push(source, 0, length);
    return endOfHead(this.bytes, 0, before, this.length) >= 0 || this.length > most;
  }

  /** Gives the memory back when there is nothing in it. */
  shrink(): void {
    if (this.length === 0) this.bytes = nothing;
  }

  clear(): void {
    this.length = 0;
    this.bytes = nothing;
  }
}
