/** Six bits of each character (RFC 4648 4), -1 for what is none. */
const sixBits = new Int8Array(256).fill(-1);
for (const [value, c] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  sixBits[c.charCodeAt(0)] = value;
}

const padding = 0x3d;

/** Bytes that so many characters of base64 become at most, with those that came before them. */
export function decodedRoom(characters: number): number {
  return ((characters + 3) >>> 2) * 3;
}

/**
 * Decodes the body of a text request as it comes, wherever it is cut. It is a row of base64 texts, each of which may end
 * in padding (PROTOCOL-WEB.md: "potential padding whenever the runtime needs to flush a byte buffer"). Strict: the
 * alphabet of RFC 4648 4 and nothing else, no white space, no bits behind the last byte, no text without its padding.
 */
export class Base64Decoder {
  /** Bits of the group of four characters that has begun. */
  #bits = 0;
  /** Characters of it, padding included. */
  #count = 0;
  #padded = false;

  /** The body may end here: no group has begun. */
  get complete(): boolean {
    return this.#count === 0;
  }

  /**
   * Decodes `bytes[start, end)` to `target` at `at`, where {@link decodedRoom} of them must be free; the position behind
   * what was written, or -1 when it is no base64. A decoder that refused has no use any more.
   */
  decode(bytes: Buffer, start: number, end: number, target: Buffer, at: number): number {
    let to = at;
    let p = start;
    while (p < end) {
      if (this.#count === 0) {
        // Whole groups, of which almost everything consists.
        while (p + 4 <= end) {
          const bits =
            (sixBits[bytes[p]!]! << 18) |
            (sixBits[bytes[p + 1]!]! << 12) |
            (sixBits[bytes[p + 2]!]! << 6) |
            sixBits[bytes[p + 3]!]!;
          // One that is -1 makes all bits above it ones.
          if (bits < 0) break;
          target[to++] = bits >>> 16;
          target[to++] = (bits >>> 8) & 0xff;
          target[to++] = bits & 0xff;
          p += 4;
        }
        if (p === end) break;
      }
      to = this.#take(bytes[p++]!, target, to);
      if (to < 0) return -1;
    }
    return to;
  }

  /** One character; writes the bytes of the group that it ends. */
  #take(character: number, target: Buffer, at: number): number {
    let to = at;
    if (character === padding) {
      if (this.#count < 2) return -1;
      this.#bits <<= 6;
      if (++this.#count === 3) {
        this.#padded = true;
        return to;
      }
      // xx== is one byte, xxx= is two; the bits behind them are zero.
      const bytes = this.#padded ? 1 : 2;
      if ((this.#bits & (bytes === 1 ? 0xffff : 0xff)) !== 0) return -1;
      target[to++] = this.#bits >>> 16;
      if (bytes === 2) target[to++] = (this.#bits >>> 8) & 0xff;
    } else {
      const six = sixBits[character]!;
      if (six < 0 || this.#padded) return -1;
      this.#bits = (this.#bits << 6) | six;
      if (++this.#count < 4) return to;
      target[to++] = this.#bits >>> 16;
      target[to++] = (this.#bits >>> 8) & 0xff;
      target[to++] = this.#bits & 0xff;
    }
    this.#bits = 0;
    this.#count = 0;
    this.#padded = false;
    return to;
  }
}
