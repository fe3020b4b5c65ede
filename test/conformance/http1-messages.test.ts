import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutated, seeded } from './http1-mutate.ts';
import { readConnection } from './http1-support.ts';

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,24}$/);
const visible = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
    fc.constantFrom(0x20, 9),
    fc.integer({ min: 0x80, max: 255 }),
  ),
  { maxLength: 80 },
);
const value = visible.map((list) =>
  Buffer.from(list)
    .toString('latin1')
    .replace(/^[ \t]+|[ \t]+$/g, ''),
);
const blank = fc.constantFrom('', ' ', ' ', ' ', '\t', '  ');
/** In front of generated names, so that none is one that the gateway knows. */
const field = fc.record({
  name: token.map((name) => `Y-${name}`),
  value,
  before: blank,
  after: fc.constantFrom('', '', ' ', '\t'),
});
const data = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 })
  .map((list) => Buffer.from(list).toString('latin1'));
const spelled = (name: string) => fc.constantFrom(name, name.toLowerCase(), name.toUpperCase());
const extension = fc.constantFrom('', '', ';a', ';a=b', ' ; a = "b;\\"c" ;d');
const chunk = fc.record({
  data: data.filter((one) => one !== ''),
  extension,
  upper: fc.boolean(),
  zeros: fc.nat(3),
});

/** A valid request, with what it means. */
const message = fc.record({
  method: fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'PROPFIND'), token),
  target: fc.stringMatching(/^\/[!-"$-~]{0,60}$/),
  host: fc.constantFrom('a', 'quote.test:8080', '[::1]:80', '127.0.0.1', 'x_y.test'),
  hostName: spelled('Host'),
  fields: fc.array(field, { maxLength: 8 }),
  body: fc.oneof(
    fc.constant({ kind: 'none' as const }),
    fc.record({ kind: fc.constant('length' as const), data, name: spelled('Content-Length') }),
    fc.record({
      kind: fc.constant('chunked' as const),
      chunks: fc.array(chunk, { maxLength: 4 }),
      trailers: fc.array(field, { maxLength: 3 }),
      name: spelled('Transfer-Encoding'),
      coding: spelled('chunked'),
    }),
  ),
});
type Message = typeof message extends fc.Arbitrary<infer T> ? T : never;

const linesOf = (fields: Message['fields']): string =>
  fields
    .map((one) => `${one.name}:${one.before}${one.value}${one.value === '' ? '' : one.after}\r\n`)
    .join('');

function bytesOf({ method, target, host, hostName, fields, body }: Message): string {
  const start = `${method} ${target} HTTP/1.1\r\n${hostName}: ${host}\r\n`;
  if (body.kind === 'none') return `${start}${linesOf(fields)}\r\n`;
  if (body.kind === 'length')
    return `${start}${linesOf(fields)}${body.name}:${body.data.length}\r\n\r\n${body.data}`;
  const chunks = body.chunks.map(({ data, extension, upper, zeros }) => {
    const size = data.length.toString(16);
    return `${'0'.repeat(zeros)}${upper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`;
  });
  return `${start}${body.name}: ${body.coding}\r\n${linesOf(fields)}\r\n${chunks.join('')}0\r\n${linesOf(body.trailers)}\r\n`;
}

/** Name and value of each line. */
const read = (lines: string): string[] =>
  lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => line.replace(/^([^:]*):[ ]?/, '$1: '));
const named = (fields: Message['fields'], lower = false): string[] =>
  fields.map((one) => `${lower ? one.name.toLowerCase() : one.name}: ${one.value}`);

describe('valid messages on a connection', () => {
  it('are all accepted, as what they are, whole and in pieces', () => {
    const usual = message.filter(({ method }) => method !== 'CONNECT');
    fc.assert(
      fc.property(
        fc.array(usual, { minLength: 1, maxLength: 4 }),
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
          const again = readConnection(written).messages;
          expect(again.map(({ trailers, ...one }) => one)).toEqual(
            whole.messages.map(({ trailers, ...one }) => one),
          );
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
      const whole = readConnection(bytes);
      const { messages, status, complete } = readConnection(bytes, 1 + random(3));
      expect({ messages, status, complete }, JSON.stringify(bytes.toString('latin1'))).toEqual({
        messages: whole.messages,
        status: whole.status,
        complete: whole.complete,
      });
    }
  });

  it('and what is sent on of them is read as itself', () => {
    const random = seeded(7);
    for (let n = 0; n < 4000; n++) {
      for (const message of readConnection(mutated(random)).messages) {
        const again = readConnection(message.written);
        const { method, target, lines, body } = message;
        expect(again, message.written.toString('latin1')).toMatchObject({
          complete: true,
          messages: [{ method, target, lines, body }],
        });
      }
    }
  });
});
