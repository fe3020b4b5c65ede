import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  huffmanDecode,
  huffmanEncode,
  huffmanInvalid,
  huffmanLength,
  huffmanWalk,
  walked,
} from './huffman.ts';

/** Any bytes as latin1 text. */
const anyText = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

function encode(text: string): Buffer {
  const target = Buffer.alloc(huffmanLength(text));
  expect(huffmanEncode(text, target, 0)).toBe(target.length);
  return target;
}

function decode(coded: Buffer): string | null {
  const target = Buffer.alloc(coded.length * 2);
  const end = huffmanDecode(coded, 0, coded.length, target, 0);
  return end === huffmanInvalid ? null : target.toString('latin1', 0, end);
}

describe('the Huffman code (RFC 7541, Appendix B)', () => {
  it.each([
    ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
    ['no-cache', 'a8eb10649cbf'],
    ['0', '07'],
    ['\x00', 'ffc7'],
    ['\x16', 'fffffffb'],
  ])('%j is as the table says', (text, hex) => {
    expect(encode(text).toString('hex')).toBe(hex);
  });

  it('gives back every symbol, alone and between others', () => {
    for (let symbol = 0; symbol < 256; symbol++) {
      const one = String.fromCharCode(symbol);
      for (const text of [one, one + one, `a${one}`, `${one}z`, `0${one}0${one}`]) {
        expect(decode(encode(text)), `symbol ${symbol}`).toBe(text);
      }
    }
  });

  it('gives back any bytes, and the walk sees what the decoder writes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const coded = encode(text);
        expect(decode(coded)).toBe(text);
        expect(huffmanWalk(coded, 0, coded.length)).toBe(text.length);
        if (text === '') return;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what it looks for.
        expect(walked.controls).toBe(/[\x00-\x08\x0a-\x1f\x7f]/.test(text));
        expect([walked.first, walked.last]).toEqual([text.charCodeAt(0), text.charCodeAt(text.length - 1)]);
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with a decoder bit by bit on arbitrary bytes, also where they are no code', () => {
    const codes = bitCodes();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const coded = Buffer.from(bytes);
        const wanted = decodeByBits(coded, codes);
        expect(decode(coded)).toBe(wanted);
        expect(huffmanWalk(coded, 0, coded.length)).toBe(wanted === null ? huffmanInvalid : wanted.length);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['eight bits of padding', `${encode('a').toString('hex')}ff`],
    ['padding with a zero in it', '1e'],
    ['EOS', 'ffffffff'],
    ['EOS behind a symbol', '1fffffffff'],
    ['a long code that is cut', 'ffffff'],
  ])('refuses %s', (_, hex) => {
    const coded = Buffer.from(hex, 'hex');
    expect(decode(coded)).toBe(null);
    expect(huffmanWalk(coded, 0, coded.length)).toBe(huffmanInvalid);
  });
});

/** Every symbol's code as text of 0 and 1, read off the encoder: what is left when the padding is taken away. */
function bitCodes(): Map<string, string> {
  const codes = new Map<string, string>();
  for (let symbol = 0; symbol < 256; symbol++) {
    const text = String.fromCharCode(symbol);
    // Eight times the symbol has no padding, so its code is an eighth of it.
    const bits = bitsOf(encode(text.repeat(8)));
    codes.set(bits.slice(0, bits.length / 8), text);
  }
  return codes;
}

function bitsOf(bytes: Buffer): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function decodeByBits(coded: Buffer, codes: ReadonlyMap<string, string>): string | null {
  const bits = bitsOf(coded);
  let text = '';
  let from = 0;
  for (let to = 1; to <= bits.length; to++) {
    const symbol = codes.get(bits.slice(from, to));
    if (symbol === undefined) continue;
    text += symbol;
    from = to;
  }
  const padding = bits.slice(from);
  return padding.length < 8 && /^1*$/.test(padding) ? text : null;
}
