import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldsBlock } from '../../../test/conformance/http1-support.ts';
import { fieldKind, kindOfName } from '../hpack/field-names.ts';
import { decodePlain, encodePlain } from '../hpack/plain.ts';
import {
  decodeLines,
  encodeLines,
  linesRoom,
  linesToPlain,
  plainRoomForLines,
  writeLinesFromPlain,
  writePlainFromLines,
} from './lines.ts';
import { isTrailerName } from './trailers.ts';

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Fields of the plain block of these lines, `name: value`. */
function plain(text: string, wanted: ((name: string) => boolean) | null = null): string[] {
  const bytes = bytesOf(`xx${text}xx`);
  const block = linesToPlain(bytes, 2, bytes.length - 2, wanted);
  return decodePlain(block, 0, block.length).map(({ name, value }) => `${name}: ${value}`);
}

/** Lines of a block, or null when it is refused; nothing is written outside the room that was asked for. */
function lines(block: Buffer, wanted: ((name: string) => boolean) | null = null): string | null {
  const room = linesRoom(block, 0, block.length);
  if (room < 0) return null;
  const target = Buffer.alloc(room + 3 + 600, '#');
  const to = writeLinesFromPlain(target, 3, block, 0, block.length, wanted);
  expect(target.toString('latin1', 3 + room)).toBe('#'.repeat(600));
  if (to < 0) return null;
  expect(room).toBeGreaterThanOrEqual(to - 3);
  return target.toString('latin1', 3, to);
}

describe('lines become a plain block', () => {
  it('with names in lower case and values as they are', () => {
    expect(plain('A: b\r\nX-Empty:\r\nX-Blank: \r\nC:d\r\nUser-Agent: e:\tf \u00e9\r\n')).toEqual([
      'a: b',
      'x-empty: ',
      'x-blank: ',
      'c: d',
      'user-agent: e:\tf \u00e9',
    ]);
    expect(plain('')).toEqual([]);
  });

  it('without what is about the hop, or written anew', () => {
    const hop = [
      'Connection',
      'Keep-Alive',
      'Proxy-Connection',
      'Transfer-Encoding',
      'Upgrade',
      'HTTP2-Settings',
    ];
    expect(plain([...hop, 'TE', 'Host', 'Content-Length'].map((name) => `${name}: x\r\n`).join(''))).toEqual(
      [],
    );
  });

  it('within the room that is announced', () => {
    for (const length of [0, 1, 126, 127, 128, 254, 255, 256, 16_509, 16_510, 16_511, 70_000]) {
      for (const name of ['a', 'accept', 'n'.repeat(130), 'n'.repeat(300)]) {
        const bytes = bytesOf(`${name}:${'v'.repeat(length)}\r\n`.repeat(2));
        const target = Buffer.alloc(plainRoomForLines(bytes.length));
        const to = writePlainFromLines(target, 0, bytes, 0, bytes.length);
        expect(to).toBeLessThanOrEqual(target.length);
        expect(decodePlain(target, 0, to).map((field) => field.value.length)).toEqual([length, length]);
      }
    }
  });

  it.each(['A b: c\r\n', ': c\r\n', 'A: b', 'A: b\n', 'A: b\rc\r\n', 'A: \0\r\n', 'A\r\n'])(
    'never when they are none: %j',
    (text) => {
      expect(() => plain(text)).toThrow();
      expect(() => decodeLines(bytesOf(text), 0, text.length)).toThrow();
    },
  );
});

describe('a plain block becomes lines', () => {
  const block = (...fields: [name: string, value: string][]): Buffer => fieldsBlock(fields);

  it('without pseudo-header fields, and what is about the hop, or written anew', () => {
    expect(
      lines(
        block(
          [':method', 'GET'],
          [':path', '/'],
          [':authority', 'a'],
          [':odd', 'x'],
          ['host', 'a'],
          ['content-length', '5'],
          ['te', 'trailers'],
          ['connection', 'close'],
          ['transfer-encoding', 'chunked'],
          ['upgrade', 'x'],
          ['keep-alive', 'x'],
          ['proxy-connection', 'x'],
          ['http2-settings', 'x'],
          ['x-a', 'b'],
          ['accept-encoding', 'gzip, deflate'],
        ),
      ),
    ).toBe('x-a: b\r\naccept-encoding: gzip, deflate\r\n');
  });

  it('with entries of the static table', () => {
    expect(lines(Buffer.from([0x82, 0x90, 0x80 | 38, 0x80 | 57, 0x80 | 19]))).toBe(
      'accept-encoding: gzip, deflate\r\naccept: \r\n',
    );
  });

  it('with its cookies in one line (RFC 9113 8.2.3)', () => {
    expect(
      lines(
        block(
          ['cookie', 'a=1'],
          ['x', 'y'],
          ['cookie', 'b=2'],
          ['cookie', `c=${'3'.repeat(300)}`],
          ['z', ''],
        ),
      ),
    ).toBe(`cookie: a=1; b=2; c=${'3'.repeat(300)}\r\nx: y\r\nz: \r\n`);
    // Also where the name is a literal.
    const literal = Buffer.concat([
      block(['cookie', 'a=1']),
      Buffer.from('\0\x06cookie\x03b=2\0\x01x\x01y', 'latin1'),
    ]);
    expect(lines(literal)).toBe('cookie: a=1; b=2\r\nx: y\r\n');
    // Huffman coding makes 40 bytes of these 64 characters; they are written once.
    const coded = fieldsBlock(
      [
        ['cookie', 'a'],
        ['x', 'y'],
        ['cookie', 'a'.repeat(64)],
      ],
      true,
    );
    expect(lines(coded)).toBe(`cookie: a; ${'a'.repeat(64)}\r\nx: y\r\n`);
  });

  it.each<[what: string, fields: [string, string][]]>([
    ['CRLF in a value', [['a', 'b\r\nc: d']]],
    ['LF in a value', [['a', 'b\nc']]],
    ['CR in a value', [['a', 'b\rc']]],
    ['NUL in a value', [['a', 'b\0c']]],
    ['a space in front of a value', [['a', ' b']]],
    ['a tab behind a value', [['a', 'b\t']]],
    ['a long value with LF', [['a', `${'b'.repeat(400)}\n`]]],
    ['CRLF in a name', [['a\r\nb', 'c']]],
    ['a colon in a name', [['a:b', 'c']]],
    ['a space in a name', [['a b', 'c']]],
    ['an empty name', [['', 'c']]],
    [
      'LF in a second cookie',
      [
        ['cookie', 'a'],
        ['cookie', 'b\nc'],
      ],
    ],
    ['LF in a value that is left out', [['host', 'a\nb']]],
  ])('never with %s', (_, fields) => {
    expect(lines(fieldsBlock(fields))).toBe(null);
    expect(lines(fieldsBlock(fields, true))).toBe(null);
  });

  it('never when it cannot be read', () => {
    const good = block(['x-a', 'b'.repeat(200)], ['accept', 'c']);
    for (let cut = 1; cut < good.length; cut++) {
      const text = lines(good.subarray(0, cut));
      if (text !== null) expect(text).toBe(`x-a: ${'b'.repeat(200)}\r\n`);
    }
    for (const bytes of [[0x80], [0xff, 0x00], [0x41, 0x00], [0x20], [0x0f, 0x7f, 0x01, 0x61]]) {
      expect(lines(Buffer.from(bytes)), `${bytes}`).toBe(null);
    }
  });

  it('for trailers without what belongs into a head', () => {
    const trailers = block(
      ['grpc-status', '0'],
      ['content-type', 'x'],
      ['x-envoy-a', 'b'],
      ['date', 'x'],
      ['x-t', '1'],
    );
    expect(lines(trailers, isTrailerName)).toBe('grpc-status: 0\r\nx-t: 1\r\n');
    expect(plain('grpc-status: 0\r\nSet-Cookie: x\r\n', isTrailerName)).toEqual(['grpc-status: 0']);
  });
});

describe('fields', () => {
  it('become lines and fields again', () => {
    const fields = [
      { name: 'x-a', value: 'b' },
      { name: 'x-b', value: '' },
      { name: 'x-c', value: 'd \u00e9' },
    ];
    const bytes = encodeLines(fields);
    expect(bytes.toString('latin1')).toBe('x-a: b\r\nx-b: \r\nx-c: d \u00e9\r\n');
    expect(decodeLines(bytes, 0, bytes.length)).toEqual(
      fields.map((field) => ({ ...field, neverIndexed: false })),
    );
  });

  it.each([
    ['a b', 'c'],
    ['', 'c'],
    ['a:', 'c'],
    ['a\r\nb', 'c'],
    ['a', 'b\nc'],
    ['a', 'b\rc'],
    ['a', '\0'],
    ['a', ' b'],
    ['a', '\u010a'],
    ['\u0161', 'b'],
  ])('are not written as lines when they are none: %j: %j', (name, value) => {
    expect(() => encodeLines([{ name, value }])).toThrow(RangeError);
  });
});

describe('any valid fields', () => {
  const name = fc.oneof(
    fc.constantFrom('accept', 'user-agent', 'x-a', 'content-type', 'authorization', 'traceparent', 'via'),
    fc.stringMatching(/^[!#$%&'*+.^_`|~0-9a-z-]{1,40}$/),
  );
  const value = fc
    .array(fc.oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.constantFrom(0x20, 9, 0x80, 0xff)), {
      maxLength: 200,
    })
    .map((list) =>
      Buffer.from(list)
        .toString('latin1')
        .replace(/^[ \t]+|[ \t]+$/g, ''),
    );
  const notConverted = [
    fieldKind.connectionSpecific,
    fieldKind.te,
    fieldKind.host,
    fieldKind.contentLength,
  ] as number[];
  const field = fc
    .record({ name, value })
    .filter(
      (one) =>
        !notConverted.includes(kindOfName(one.name)) && !['cookie', 'http2-settings'].includes(one.name),
    );

  it('go from either form to the other and back', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), fc.boolean(), (fields, upper) => {
        const block = encodePlain(fields.map((one) => ({ ...one, neverIndexed: false })));
        const text = lines(block)!;
        expect(text).toBe(fields.map((one) => `${one.name}: ${one.value}\r\n`).join(''));
        const spelled = fields.map((one) => ({ ...one, name: upper ? one.name.toUpperCase() : one.name }));
        expect(plain(encodeLines(spelled).toString('latin1'))).toEqual(
          fields.map((one) => `${one.name}: ${one.value}`),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('and several cookies, coded in any way, in the room that they need', () => {
    const some = fc.oneof(
      field,
      value.map((one) => ({ name: 'cookie', value: one })),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(some, fc.boolean()), { maxLength: 8 }), (fields) => {
        const parts = fields.map(([one, huffman]) => fieldsBlock([[one.name, one.value]], huffman));
        const read = lines(Buffer.concat(parts))!.split('\r\n').slice(0, -1);
        const cookies = fields.filter(([one]) => one.name === 'cookie').map(([one]) => one.value);
        const others = fields
          .filter(([one]) => one.name !== 'cookie')
          .map(([one]) => `${one.name}: ${one.value}`);
        expect(read.filter((line) => !line.startsWith('cookie: '))).toEqual(others);
        expect(read.filter((line) => line.startsWith('cookie: '))).toEqual(
          cookies.length === 0 ? [] : [`cookie: ${cookies.join('; ')}`],
        );
      }),
      { numRuns: 400 },
    );
  });

  it('and any bytes: an answer, and no line that was not a field', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (list) => {
        const block = Buffer.from(list);
        if (linesRoom(block, 0, block.length) < 0) return;
        const text = lines(block);
        if (text === null || text === '') return;
        expect(text.endsWith('\r\n')).toBe(true);
        for (const line of text.slice(0, -2).split('\r\n')) {
          expect(line).toMatch(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+: /);
          for (const c of Buffer.from(line, 'latin1'))
            expect((c >= 0x20 && c !== 0x7f) || c === 9).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
