import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Base64Decoder, decodedRoom } from './base64-decoder.ts';
import { Base64Encoder, encodedRoom } from './base64-encoder.ts';

/** Decodes text that is cut at each of these lengths, each piece in the middle of another buffer; null = refused. */
function decode(text: string, step = text.length): Buffer | null {
  const decoder = new Base64Decoder();
  const parts: Buffer[] = [];
  for (let at = 0; at < text.length; at += step) {
    const piece = text.slice(at, at + step);
    const bytes = Buffer.from(`A=${piece}=A`, 'latin1');
    const target = Buffer.alloc(3 + decodedRoom(piece.length) + 3, 0x23);
    const to = decoder.decode(bytes, 2, 2 + piece.length, target, 3);
    if (to < 0) return null;
    expect(target.subarray(3 + decodedRoom(piece.length)).toString()).toBe('###');
    parts.push(target.subarray(3, to));
  }
  return decoder.complete ? Buffer.concat(parts) : null;
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((list) => Buffer.from(list));

describe('a text body', () => {
  // The examples of RFC 4648 10.
  it.each([
    ['', ''],
    ['Zg==', 'f'],
    ['Zm8=', 'fo'],
    ['Zm9v', 'foo'],
    ['Zm9vYg==', 'foob'],
    ['Zm9vYmE=', 'fooba'],
    ['Zm9vYmFy', 'foobar'],
    ['Zg==Zm8=Zm9v', 'ffofoo'],
    ['+/+/', '\xfb\xff\xbf'],
  ])('%j is %j', (text, data) => {
    for (let step = 1; step <= text.length + 1; step++) {
      expect(decode(text, step)!.toString('latin1')).toBe(data);
    }
  });

  it.each([
    ['without its padding', 'Zg'],
    ['without all of its padding', 'Zg='],
    ['of one character', 'Z'],
    ['with padding alone', '='],
    ['with a padded group alone', '===='],
    ['with padding behind one character', 'Z==='],
    ['with too much padding', 'Zg==='],
    ['with padding behind a whole group', 'Zm9v='],
    ['with a character between padding', 'Zg=g'],
    ['with bits behind the last byte', 'Zh=='],
    ['with bits behind the last two bytes', 'Zm9='],
    ['with a line break', 'Zm9v\r\nZm9v'],
    ['with a space', 'Zm9v Zm9v'],
    ['of base64url', 'Zm-_'],
    ['with a character above ASCII', 'Zm9\xff'],
    ['with a NUL', '\0m9v'],
  ])('is refused %s', (_, text) => {
    for (let step = 1; step <= text.length; step++) expect(decode(text, step), `step ${step}`).toBeNull();
  });

  it('of several texts is all of them, in any pieces', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), fc.integer({ min: 1, max: 60 }), (list, step) => {
        const text = list.map((one) => one.toString('base64')).join('');
        expect(decode(text, step)).toEqual(Buffer.concat(list));
      }),
      { numRuns: 500 },
    );
  });

  it('of any characters is refused, or the one text of its bytes, in any pieces', () => {
    const character = fc.constantFrom(...'AQgw/+=', '=', '\n');
    fc.assert(
      fc.property(fc.array(character, { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), (list, step) => {
        const text = list.join('');
        const whole = decode(text);
        expect(decode(text, step)).toEqual(whole);
        if (whole === null) return;
        const groups = text.match(/.{4}/g) ?? [];
        expect(Buffer.concat(groups.map((group) => Buffer.from(group, 'base64')))).toEqual(whole);
        expect(groups.map((group) => Buffer.from(group, 'base64').toString('base64')).join('')).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a text answer', () => {
  it('is read as what was written, in any pieces and with padding where it was flushed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, fc.boolean()), { maxLength: 8 }), (list) => {
        const encoder = new Base64Encoder();
        const target = Buffer.alloc(1000, '#');
        let to = 0;
        let flushed = 0;
        for (const [piece, flush] of list) {
          const around = Buffer.concat([Buffer.from('xy'), piece, Buffer.from('z')]);
          const before = to;
          to = encoder.encode(around, 2, 2 + piece.length, target, to);
          expect(to - before).toBeLessThanOrEqual(encodedRoom(piece.length));
          if (flush) {
            const end = encoder.flush(target, to);
            expect(end - to).toBeLessThanOrEqual(4);
            to = end;
            flushed = to;
          }
          // Whole groups only: what was written can be read without what is to come.
          expect(to % 4).toBe(0);
        }
        to = encoder.flush(target, to);
        expect(target[to]).toBe(0x23);
        const text = target.toString('latin1', 0, to);
        expect(decode(text, 7)).toEqual(Buffer.concat(list.map(([piece]) => piece)));
        if (flushed === 0) {
          expect(text).toBe(Buffer.concat(list.map(([piece]) => piece)).toString('base64'));
        }
      }),
      { numRuns: 500 },
    );
  });
});
