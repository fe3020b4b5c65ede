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

  /** Gives the memory back when there is nothing in it. */
  shrink(): void {
    if (this.length === 0) this.bytes = nothing;
  }

  clear(): void {
    this.length = 0;
    this.bytes = nothing;
  }
}
