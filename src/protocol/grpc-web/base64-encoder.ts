/** Characters that so many bytes become at most, with those that were kept before and padding. */
export function encodedRoom(bytes: number): number {
  return Math.ceil((bytes + 2) / 3) * 4;
}

/**
 * Encodes the body of a text answer as it comes (RFC 4648 4). What is written is whole groups of four characters; one or
 * two bytes that make none are kept for the next piece, or written with padding by {@link flush}: when the client is to
 * have what there is (PROTOCOL-WEB.md, "Text-encoded (response) streams": padding may stand wherever a server flushes).
 */
export class Base64Encoder {
  readonly #kept = Buffer.alloc(3);
  #count = 0;

  /**
   * Encodes `bytes[start, end)` to `target` at `at`, where {@link encodedRoom} of them must be free; the position behind
   * what was written.
   */
  encode(bytes: Buffer, start: number, end: number, target: Buffer, at: number): number {
    let from = start;
    let to = at;
    if (this.#count > 0) {
      while (this.#count < 3 && from < end) this.#kept[this.#count++] = bytes[from++]!;
      if (this.#count < 3) return to;
      to += target.write(this.#kept.toString('base64'), to, 'latin1');
    }
    const whole = from + Math.floor((end - from) / 3) * 3;
    if (whole > from) to += target.write(bytes.toString('base64', from, whole), to, 'latin1');
    this.#count = bytes.copy(this.#kept, 0, whole, end);
    return to;
  }

  /** Writes what was kept, with padding; the position behind it. Needs four bytes. */
  flush(target: Buffer, at: number): number {
    if (this.#count === 0) return at;
    const text = this.#kept.toString('base64', 0, this.#count);
    this.#count = 0;
    return at + target.write(text, at, 'latin1');
  }
}
