/**
 * The Huffman code of RFC 7541, Appendix B. The code is canonical (codes grow with length, then with the
 * symbol), so the lengths are all that has to be written down:
 * one digit to base 36 for each symbol from 0 to 256 (EOS).
 */
const codeLengths = Uint8Array.from(
  [
    'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad677777777777777777777',
    '77878djde6f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmo',
    'lmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu',
  ].join(''),
  (digit) => Number.parseInt(digit, 36),
);

const endOfString = 256;
const longest = 30;

/** code of each symbol; first code, first position and count of each length, in canonical order. */
const codes = new Uint32Array(257);
const ordered = new Uint16Array(257);
const firstCode = new Uint32Array(longest + 1);
const firstPosition = new Uint16Array(longest + 1);
const countOfLength = new Uint16Array(longest + 1);

for (let length = 1, code = 0, position = 0; length <= longest; length++) {
  code *= 2;
  firstCode[length] = code;
  firstPosition[length] = position;
  for (let symbol = 0; symbol <= 256; symbol++) {
    if (codeLengths[symbol] !== length) continue;
    codes[symbol] = code++;
    ordered[position++] = symbol;
    countOfLength[length]!++;
  }
}

/**
 * What the next 12 bits stand for: bits 0-7 the first symbol, 8-15 the second, 16-19 the bits used,
 * 20-21 the number of symbols (0: the code is longer than 12 bits).
 * All codes of 12 bits and fewer are printable characters, so the fast path needs no check for controls.
 */
const stepBits = 12;
const steps = new Int32Array(1 << stepBits);
fillSteps();

function fillSteps(): void {
  for (let bits = 0; bits < 1 << stepBits; bits++) {
    const first = shortSymbol(bits, stepBits);
    if (first < 0) continue;
    const used = codeLengths[first]!;
    const second = shortSymbol(bits & ((1 << (stepBits - used)) - 1), stepBits - used);
    steps[bits] =
      second < 0
        ? first | (used << 16) | (1 << 20)
        : first | (second << 8) | ((used + codeLengths[second]!) << 16) | (2 << 20);
  }
}

function shortSymbol(bits: number, available: number): number {
  for (let length = 5; length <= available; length++) {
    const code = bits >>> (available - length);
    const offset = code - firstCode[length]!;
    if (offset >= 0 && offset < countOfLength[length]!) return ordered[firstPosition[length]! + offset]!;
  }
  return -1;
}

/** The text is not a valid Huffman string (EOS inside, padding of 8 bits or more, or padding not all ones). */
export const huffmanInvalid = -1;

/** Reads one symbol bit by bit at `bitPosition`; returns -1 when the input ends inside it. */
function longSymbol(source: Uint8Array, bitPosition: number, endBit: number): number {
  let code = 0;
  for (let length = 1; length <= longest && bitPosition + length <= endBit; length++) {
    const at = bitPosition + length - 1;
    code = code * 2 + ((source[at >>> 3]! >>> (7 - (at & 7))) & 1);
    const offset = code - firstCode[length]!;
    if (offset >= 0 && offset < countOfLength[length]!) return ordered[firstPosition[length]! + offset]!;
  }
  return -1;
}

/** True when the bits from `bitPosition` on are proper padding: fewer than 8, all ones (RFC 7541 5.2). */
function isPadding(source: Uint8Array, bitPosition: number, endBit: number): boolean {
  const left = endBit - bitPosition;
  if (left === 0) return true;
  if (left > 7) return false;
  const mask = (1 << left) - 1;
  return (source[(endBit - 1) >>> 3]! & mask) === mask;
}

/**
 * What a walk over an encoded value found beside its length: set by {@link huffmanWalk}.
 * `controls`: a character that no field value may have (RFC 9110 5.5) was met; `first` and `last` symbol.
 */
export const walked = { controls: false, first: 0, last: 0 };

/**
 * Checks a Huffman string without writing it out: its decoded length in bytes, or {@link huffmanInvalid}.
 * Fills {@link walked}. About 2.4 ns a character.
 */
export function huffmanWalk(source: Uint8Array, start: number, end: number): number {
  let length = 0;
  let accumulator = 0;
  let bits = 0;
  let position = start;
  let first = -1;
  let last = 0;
  walked.controls = false;
  for (;;) {
    if (bits < stepBits) {
      if (position + 1 < end) {
        accumulator = (accumulator << 16) | (source[position]! << 8) | source[position + 1]!;
        position += 2;
        bits += 16;
      } else if (position < end) {
        accumulator = (accumulator << 8) | source[position++]!;
        bits += 8;
      }
    }
    if (bits >= stepBits) {
      const step = steps[(accumulator >>> (bits - stepBits)) & 0xfff]!;
      const count = step >> 20;
      if (count !== 0) {
        if (first < 0) first = step & 0xff;
        last = count === 2 ? (step >> 8) & 0xff : step & 0xff;
        length += count;
        bits -= (step >> 16) & 0xf;
        continue;
      }
    } else if (bits > 0) {
      // The last bits, filled up with ones (no code ends in them): one symbol if it fits.
      const step = steps[((accumulator << (stepBits - bits)) | ((1 << (stepBits - bits)) - 1)) & 0xfff]!;
      const used = codeLengths[step & 0xff]!;
      if (step !== 0 && used <= bits) {
        if (first < 0) first = step & 0xff;
        last = step & 0xff;
        length++;
        bits -= used;
        continue;
      }
    }
    const bitPosition = position * 8 - bits;
    const symbol = longSymbol(source, bitPosition, end * 8);
    if (symbol < 0) {
      if (!isPadding(source, bitPosition, end * 8)) return huffmanInvalid;
      break;
    }
    if (symbol === endOfString) return huffmanInvalid;
    if ((symbol < 0x20 && symbol !== 9) || symbol === 0x7f) walked.controls = true;
    if (first < 0) first = symbol;
    last = symbol;
    length++;
    const next = bitPosition + codeLengths[symbol]!;
    position = (next + 7) >>> 3;
    bits = position * 8 - next;
    accumulator = bits === 0 ? 0 : source[position - 1]! & ((1 << bits) - 1);
  }
  walked.first = first < 0 ? 0x21 : first;
  walked.last = first < 0 ? 0x21 : last;
  return length;
}

/**
 * Decodes a Huffman string into `target` at `at` (there must be room: at most 8/5 of the source's length).
 * Returns the position behind the last byte written, or {@link huffmanInvalid}.
 */
export function huffmanDecode(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let accumulator = 0;
  let bits = 0;
  let position = start;
  let to = at;
  for (;;) {
    if (bits < stepBits) {
      if (position + 1 < end) {
        accumulator = (accumulator << 16) | (source[position]! << 8) | source[position + 1]!;
        position += 2;
        bits += 16;
      } else if (position < end) {
        accumulator = (accumulator << 8) | source[position++]!;
        bits += 8;
      }
    }
    if (bits >= stepBits) {
      const step = steps[(accumulator >>> (bits - stepBits)) & 0xfff]!;
      const count = step >> 20;
      if (count !== 0) {
        target[to++] = step & 0xff;
        if (count === 2) target[to++] = (step >> 8) & 0xff;
        bits -= (step >> 16) & 0xf;
        continue;
      }
    } else if (bits > 0) {
      // The last bits, filled up with ones (no code ends in them): one symbol if it fits.
      const step = steps[((accumulator << (stepBits - bits)) | ((1 << (stepBits - bits)) - 1)) & 0xfff]!;
      const used = codeLengths[step & 0xff]!;
      if (step !== 0 && used <= bits) {
        target[to++] = step & 0xff;
        bits -= used;
        continue;
      }
    }
    const bitPosition = position * 8 - bits;
    const symbol = longSymbol(source, bitPosition, end * 8);
    if (symbol < 0) return isPadding(source, bitPosition, end * 8) ? to : huffmanInvalid;
    if (symbol === endOfString) return huffmanInvalid;
    target[to++] = symbol;
    const next = bitPosition + codeLengths[symbol]!;
    position = (next + 7) >>> 3;
    bits = position * 8 - next;
    accumulator = bits === 0 ? 0 : source[position - 1]! & ((1 << bits) - 1);
  }
}

/** Bytes that `text` (latin1) takes as a Huffman string. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += codeLengths[text.charCodeAt(i) & 0xff]!;
  return (bits + 7) >>> 3;
}

/** Encodes `text` (latin1) at `at`; returns the position behind it. */
export function huffmanEncode(text: string, target: Uint8Array, at: number): number {
  let to = at;
  let pending = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    let length = codeLengths[symbol]!;
    const code = codes[symbol]!;
    // In pieces of at most 8 bits: a code has up to 30, and 32-bit shifts have no room for more.
    while (length > 0) {
      const take = Math.min(8, length);
      pending = (pending << take) | ((code >>> (length - take)) & ((1 << take) - 1));
      bits += take;
      length -= take;
      if (bits >= 8) {
        bits -= 8;
        target[to++] = (pending >>> bits) & 0xff;
        pending &= (1 << bits) - 1;
      }
    }
  }
  if (bits > 0) target[to++] = ((pending << (8 - bits)) | ((1 << (8 - bits)) - 1)) & 0xff;
  return to;
}
