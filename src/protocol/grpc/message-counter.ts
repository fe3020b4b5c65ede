/**
 * Counts the messages of a gRPC body (gRPC over HTTP/2, "Length-Prefixed-Message": one byte of flags, four of
 * length) as its bytes pass by, wherever they are cut.
 */
export class MessageCounter {
  #prefix = 0;
  #length = 0;
  #left = 0;

  /** Takes the next bytes; returns how many messages began to their end in them. */
  take(bytes: Uint8Array, start: number, end: number): number {
    let messages = 0;
    let at = start;
    while (at < end) {
      if (this.#left > 0) {
        const skip = Math.min(this.#left, end - at);
        this.#left -= skip;
        at += skip;
        if (this.#left === 0) messages++;
        continue;
      }
      if (this.#prefix > 0) this.#length = this.#length * 256 + bytes[at]!;
      at++;
      if (++this.#prefix < 5) continue;
      this.#left = this.#length;
      this.#length = 0;
      this.#prefix = 0;
      if (this.#left === 0) messages++;
    }
    return messages;
  }
}

/** True when `bytes[start, end)` is exactly one message with its prefix. */
export function isOneMessage(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 5) return false;
  const length =
    bytes[start + 1]! * 16777216 + ((bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!);
  return length === end - start - 5;
}
