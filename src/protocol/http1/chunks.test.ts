import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePlain } from '../hpack/plain.ts';
import { chunkHeadBytes, endOfChunks, lastChunk, writeChunkHead } from './chunk-writer.ts';
import { ChunkReader, chunkResult } from './chunks.ts';
import { TrailerSection } from './trailers.ts';

const section = new TrailerSection({ maxListBytes: 4096, maxFields: 20 });

interface Read {
  readonly state: number;
  readonly data: string;
  readonly trailers: readonly string[];
  /** Behind the body, counted from its beginning. */
  readonly position: number;
  readonly problem: string;
}

/** Reads a body that comes in pieces of `step` bytes, each in the middle of a buffer of its own. */
function read(text: string | Buffer, step = 1_000_000): Read {
  const bytes = Buffer.from(text as string, 'latin1');
  const reader = new ChunkReader(section);
  let data = '';
  const sink = {
    onBodyData(b: Buffer, start: number, end: number): void {
      expect(end).toBeGreaterThan(start);
      data += b.toString('latin1', start, end);
    },
  };
  let state: number = chunkResult.more;
  let position = 0;
  for (let at = 0; at < bytes.length && state === chunkResult.more; at += step) {
    const piece = bytes.subarray(at, at + step);
    const buffer = Buffer.concat([Buffer.from('5\r\n'), piece, Buffer.from('\r\n\r\n')]);
    state = reader.read(buffer, 3, 3 + piece.length, sink);
    position = at + reader.position - 3;
  }
  const block = reader.trailers;
  const trailers =
    block === null ? [] : decodePlain(block, 0, block.length).map(({ name, value }) => `${name}: ${value}`);
  return { state, data, trailers, position, problem: reader.problem };
}

/** Reads it whole and in pieces: always the same. */
function readAnyhow(text: string | Buffer): Read {
  const whole = read(text);
  for (const step of [1, 2, 3, 5]) {
    const { state, data, trailers, position } = read(text, step);
    expect({ state, data, trailers }).toEqual({
      state: whole.state,
      data: whole.data,
      trailers: whole.trailers,
    });
    if (state === chunkResult.done) expect(position).toBe(whole.position);
  }
  return whole;
}

describe('a chunked body', () => {
  it.each([
    ['two chunks', '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n', 'hello world'],
    ['no data', '0\r\n\r\n', ''],
    [
      'sizes in both cases and with zeros in front',
      '00A\r\n0123456789\r\n0b\r\n0123456789a\r\n000\r\n\r\n',
      '01234567890123456789a',
    ],
    ['CRLF in its data', '4\r\n\r\n\r\n\r\n0\r\n\r\n', '\r\n\r\n'],
    ['an extension of each form', '1;a\r\nx\r\n1 ; a = b;c="d;\\"=\u00e9\t" ;e\r\ny\r\n0;z=1\r\n\r\n', 'xy'],
  ])('may have %s', (_, text, data) => {
    expect(readAnyhow(text)).toMatchObject({ state: chunkResult.done, data, position: text.length });
  });

  it('ends where the next message begins', () => {
    const { state, position } = read('1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n');
    expect([state, position]).toEqual([chunkResult.done, 11]);
    const trailing = read('0\r\nA: b\r\n\r\nGET /');
    expect([trailing.state, trailing.position]).toEqual([chunkResult.done, 11]);
  });

  it('gives its trailers as a plain block, without what belongs into a head (RFC 9110 6.5.1)', () => {
    const text =
      '1\r\nx\r\n0\r\ngrpc-status: 0\r\nGrpc-Message:  a b \r\nContent-Length: 300\r\nTransfer-Encoding: identity\r\n' +
      'Host: b\r\nAuthorization: x\r\nX-Forwarded-For: 1\r\nX-Request-Id: 2\r\nX-Envoy-Y: 3\r\nConnection: close\r\nX-Empty:\r\n\r\n';
    expect(readAnyhow(text)).toMatchObject({
      state: chunkResult.done,
      trailers: ['grpc-status: 0', 'grpc-message: a b', 'x-empty: '],
      position: text.length,
    });
    expect(readAnyhow('0\r\nHost: b\r\n\r\n')).toMatchObject({ state: chunkResult.done, trailers: [] });
  });

  it.each([
    ['a size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['a size with a plus sign', '+5\r\nhello\r\n0\r\n\r\n'],
    ['a size with a minus sign', '-5\r\nhello\r\n0\r\n\r\n'],
    ['a space in front of a size', ' 5\r\nhello\r\n0\r\n\r\n'],
    ['a space behind a size', '5 \r\nhello\r\n0\r\n\r\n'],
    ['a space inside a size', '5 0\r\nhello\r\n0\r\n\r\n'],
    ['an underscore in a size', '1_0\r\nhello\r\n0\r\n\r\n'],
    ['an empty size', '\r\nhello\r\n0\r\n\r\n'],
    ['an extension for a size', ';a\r\nhello\r\n0\r\n\r\n'],
    ['a size past 64 bits', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['a size above 2^53', '20000000000000\r\nhello'],
    ['zeros without end', `${'0'.repeat(17)}5\r\nhello\r\n0\r\n\r\n`],
    ['LF alone behind a size', '5\nhello\r\n0\r\n\r\n'],
    ['CR alone behind a size', '5\rhello\r\n0\r\n\r\n'],
    ['LF alone behind data', '5\r\nhello\n0\r\n\r\n'],
    ['CR alone behind data', '5\r\nhello\r0\r\n\r\n'],
    ['data longer than its size', '5\r\nhelloXX\r\n0\r\n\r\n'],
    ['data shorter than its size', '6\r\nhello\r\n0\r\n\r\n'],
    ['LF alone behind the last size', '0\n\r\n'],
    ['LF alone at its end', '0\r\n\n'],
    ['CR alone at its end', '0\r\n\rX'],
    ['an extension without a name', '1;\r\nx\r\n0\r\n\r\n'],
    ['an extension with an empty value', '1;a=\r\nx\r\n0\r\n\r\n'],
    ['a space behind an extension', '1;a \r\nx\r\n0\r\n\r\n'],
    ['an extension that is no token', '1;a(b\r\nx\r\n0\r\n\r\n'],
    ['an extension with LF alone', '1;a=b\nx\r\n0\r\n\r\n'],
    ['an extension with NUL', '1;a="\0"\r\nx\r\n0\r\n\r\n'],
    ['an extension with CRLF in quotes', '1;a="\r\n"\r\nx\r\n0\r\n\r\n'],
    ['an extension with an escaped CR', '1;a="\\\r"\r\nx\r\n0\r\n\r\n'],
    ['something behind a quoted value', '1;a="b"c\r\nx\r\n0\r\n\r\n'],
    ['an extension that is too long', `1;a=${'b'.repeat(5000)}\r\nx\r\n0\r\n\r\n`],
    ['many extensions and little data', `${'1;abcdefgh=ijklmnopq\r\nx\r\n'.repeat(300)}0\r\n\r\n`],
    ['a trailer that is folded', '0\r\nA: b\r\n c\r\n\r\n'],
    ['a trailer with a space before its colon', '0\r\nA : b\r\n\r\n'],
    ['a trailer with NUL', '0\r\nA: \0\r\n\r\n'],
    ['a trailer with LF alone', '0\r\nA: b\nC: d\r\n\r\n'],
    ['trailers that are too many', `0\r\n${'A: b\r\n'.repeat(21)}\r\n`],
    ['trailers that are too large', `0\r\n${`A: ${'b'.repeat(400)}\r\n`.repeat(15)}\r\n`],
    ['a trailer without end', `0\r\nA: ${'b'.repeat(10_000)}`],
  ])('is refused with %s', (_, text) => {
    const { state, problem } = readAnyhow(text);
    expect(state).toBe(chunkResult.refused);
    expect(problem).not.toBe('');
  });

  it('may have extensions as long as there is data, too', () => {
    const one = `40;signature=${'f'.repeat(50)}\r\n${'x'.repeat(64)}\r\n`;
    expect(read(`${one.repeat(500)}0\r\n\r\n`).state).toBe(chunkResult.done);
  });

  it('stays refused, stays done, and begins anew', () => {
    const reader = new ChunkReader(section);
    const sink = { onBodyData(): void {} };
    const feed = (text: string): number => reader.read(Buffer.from(text), 0, text.length, sink);
    expect([feed('x'), feed('0\r\n\r\n')]).toEqual([chunkResult.refused, chunkResult.refused]);
    reader.reset();
    expect([feed('0\r\n\r\n'), feed('GET')]).toEqual([chunkResult.done, chunkResult.done]);
    expect(reader.position).toBe(0);
  });

  it('costs linear time when its trailers come byte by byte', () => {
    const large = new TrailerSection({ maxListBytes: 65_536, maxFields: 20 });
    const reader = new ChunkReader(large);
    const bytes = Buffer.from(`0\r\nA: ${'b'.repeat(60_000)}\r\n\r\n`);
    const sink = { onBodyData(): void {} };
    let state: number = chunkResult.more;
    for (let i = 0; i < bytes.length; i++) state = reader.read(bytes, i, i + 1, sink);
    expect(state).toBe(chunkResult.done);
    expect(reader.position).toBe(bytes.length);
  });
});

describe('a written chunk', () => {
  it('is read again, whatever its size', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(4095, 4096, 65_535, 65_536));
    fc.assert(
      fc.property(fc.array(size, { maxLength: 4 }), fc.integer({ min: 50, max: 5000 }), (sizes, step) => {
        const parts: Buffer[] = [];
        for (const length of sizes) {
          const head = Buffer.alloc(chunkHeadBytes);
          parts.push(
            head.subarray(0, writeChunkHead(head, 0, length)),
            Buffer.alloc(length, 'x'),
            Buffer.from('\r\n'),
          );
        }
        const result = read(Buffer.concat([...parts, endOfChunks]), step);
        expect(result.state, result.problem).toBe(chunkResult.done);
        expect(result.data.length).toBe(sizes.reduce((a, b) => a + b, 0));
      }),
      { numRuns: 60 },
    );
  });

  it('has the size in hexadecimal', () => {
    const head = Buffer.alloc(chunkHeadBytes);
    const text = (length: number) => head.toString('latin1', 0, writeChunkHead(head, 0, length));
    expect([1, 15, 16, 255, 0x1234567, 0x7fffffff].map(text)).toEqual(
      ['1', 'f', '10', 'ff', '1234567', '7fffffff'].map((size) => `${size}\r\n`),
    );
    expect(read(Buffer.concat([lastChunk, Buffer.from('A: b\r\n\r\n')])).trailers).toEqual(['a: b']);
  });
});
