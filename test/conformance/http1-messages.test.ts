import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutated, seeded } from './http1-mutate.ts';
import { differenceInPieces, readConnection } from './http1-support.ts';
import { bytesOf, type ValidMessage, validMessage } from './http1-valid.ts';

/** Name and value of each line. */
const read = (lines: string): string[] =>
  lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => line.replace(/^([^:]*):[ ]?/, '$1: '));
const named = (fields: ValidMessage['fields'], lower = false): string[] =>
  fields.map((one) => `${lower ? one.name.toLowerCase() : one.name}: ${one.value}`);

describe('valid messages on a connection', () => {
  it('are all accepted, as what they are, whole and in pieces', () => {
    fc.assert(
      fc.property(
        fc.array(validMessage, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 40 }),
        (messages, step) => {
          const bytes = Buffer.from(messages.map(bytesOf).join(''), 'latin1');
          const whole = readConnection(bytes);
          expect(whole.problem).toBe('');
          expect(whole.complete).toBe(true);
          expect(
            whole.messages.map(({ method, target, authority, lines, body, trailers }) => {
              return { method, target, authority, lines: read(lines), body, trailers };
            }),
          ).toEqual(
            messages.map(({ method, target, host, fields, body }) => ({
              method,
              target,
              authority: host,
              lines: named(fields),
              body:
                body.kind === 'none'
                  ? ''
                  : body.kind === 'length'
                    ? body.data
                    : body.chunks.map((c) => c.data).join(''),
              trailers: body.kind === 'chunked' ? named(body.trailers, true) : [],
            })),
          );
          expect(readConnection(bytes, step)).toEqual(whole);
          // Written anew and read again they are the same.
          const written = Buffer.concat(whole.messages.map((one) => one.written));
          expect(readConnection(written).messages).toEqual(whole.messages);
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('mutated messages', () => {
  it('are read the same byte by byte and whole', () => {
    const random = seeded(20_261_125);
    for (let n = 0; n < 4000; n++) {
      const bytes = mutated(random);
      expect(differenceInPieces(bytes, 1 + random(3)), JSON.stringify(bytes.toString('latin1'))).toBe('');
    }
  });

  it('and what is sent on of them is read as itself', () => {
    const random = seeded(7);
    for (let n = 0; n < 4000; n++) {
      for (const message of readConnection(mutated(random)).messages) {
        const again = readConnection(message.written);
        const { method, target, lines, body, trailers } = message;
        expect(again, message.written.toString('latin1')).toMatchObject({
          complete: true,
          messages: [{ method, target, lines, body, trailers }],
        });
      }
    }
  });
});
