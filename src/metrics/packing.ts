/**
 * Numbers in a row, as they travel between processes: one array is copied as it is, where ten thousand objects
 * would cost more than the calls that they count.
 */
export class Packer {
  #data = new Float64Array(256);
  #length = 0;

  put(value: number): void {
    if (this.#length === this.#data.length) {
      const larger = new Float64Array(this.#length * 2);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[this.#length++] = value;
  }

  /** Position of the next number, to be filled in later by {@link patch}. */
  reserve(): number {
    this.put(0);
    return this.#length - 1;
  }

  patch(position: number, value: number): void {
    this.#data[position] = value;
  }

  /** A copy of what was put. */
  take(): Float64Array<ArrayBuffer> {
    return this.#data.slice(0, this.#length);
  }
}

/** Reads what a {@link Packer} has put, in the same order. */
export class Unpacker {
  readonly #data: Float64Array;
  #position = 0;

  constructor(data: Float64Array) {
    this.#data = data;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#data.length;
  }

  next(): number {
    return this.#data[this.#position++]!;
  }
}
