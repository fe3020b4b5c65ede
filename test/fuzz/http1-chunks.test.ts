/**
 * Chunked bodies, mutated and out of pieces: nothing throws, and data, trailers and end do not depend on the pieces in
 * which they came, nor on what is in the read buffer afterwards.
 */
import { describe, expect } from 'vitest';
import { decodePlain } from '../../src/protocol/hpack/plain.ts';
import { ChunkReader, chunkResult } from '../../src/protocol/http1/chunks.ts';
import { TrailerSection } from '../../src/protocol/http1/trailers.ts';
import { mutated } from '../conformance/http1-mutate.ts';
import { cuts, embedded, fuzz, type Random, randomBytes, soup } from '../support/fuzz.ts';

interface Body {
  readonly state: number;
  readonly data: string;
  readonly trailers: readonly string[];
  /** Behind the body, counted from its beginning; -1 unless it has ended. */
  readonly end: number;
}

const section = new TrailerSection({ maxListBytes: 2048, maxFields: 16 });
const kept = new ChunkReader(section);

/** Reads a body that is cut like this, on a reader that has read others. */
function read(bytes: Buffer, at: readonly number[], random: Random): Body {
  const reader = random(2) === 0 ? kept : new ChunkReader(section);
  reader.reset();
  let data = '';
  const sink = {
    onBodyData: (b: Buffer, start: number, end: number) => {
      data += b.toString('latin1', start, end);
    },
  };
  let state: number = chunkResult.more;
  let from = 0;
  let end = -1;
  for (const to of at) {
    const { bytes: all, start } = embedded(random, bytes.subarray(from, to));
    state = reader.read(all, start, start + to - from, sink);
    all.fill(0);
    if (state === chunkResult.done) end = from + reader.position - start;
    if (state !== chunkResult.more) break;
    expect(reader.position).toBe(start + to - from);
    from = to;
  }
  const block = reader.trailers;
  const trailers =
    block === null ? [] : decodePlain(block, 0, block.length).map(({ name, value }) => `${name}: ${value}`);
  return { state, data, trailers, end };
}

const pieces = [
  ...['0', '1', '5', 'a', 'F', '00', '\r\n', '\r\n', '\r\n', '\r', '\n', ';', ';a', ';a=b', '=', '"', '\\'],
  ...[' ', '\t', 'x', 'hello', 'X-T: 1', 'Content-Length: 3', 'ffffffff', '0\r\n', '0\r\n\r\n', '\0', '\xff'],
];

function chunked(random: Random): string {
  let text = '';
  for (let n = random(5); n > 0; n--) {
    const data = randomBytes(random, 1 + random(random(10) === 0 ? 3000 : 20)).toString('latin1');
    const extension = ['', '', ';a', ' ; a=b', ';a="\\"\xff;"', `;a=${'b'.repeat(random(900))}`][random(6)];
    text += `${'0'.repeat(random(3))}${data.length.toString(16)}${extension}\r\n${data}\r\n`;
  }
  text += '0\r\n';
  for (let n = random(4); n > 0; n--) text += `X-${random(9)}: ${'v'.repeat(random(40))}\r\n`;
  if (random(50) === 0) text += `X: ${'v'.repeat(random(4000))}\r\n`;
  return `${text}\r\n`;
}

function source(random: Random): Buffer {
  switch (random(6)) {
    case 0:
      return soup(random, pieces, 30);
    case 1:
      return Buffer.concat([mutated(random, 0, [chunked(random)]), randomBytes(random, random(30))]);
    case 2:
      return Buffer.concat([mutated(random, 2, [chunked(random)]), soup(random, pieces, 10)]);
    default:
      return mutated(random, 5, [chunked(random)]);
  }
}

/** By {@link chunkResult}. */
const outcomes = ['more', 'done', 'refused'] as const;

describe('chunked bodies', () => {
  fuzz('chunked bodies are read the same in any pieces', outcomes, (random) => {
    const bytes = source(random);
    const text = JSON.stringify(bytes.toString('latin1'));
    const whole = read(bytes, [bytes.length], random);
    const at = cuts(random, bytes.length);
    const inPieces = read(bytes, at, random);
    if (whole.state === chunkResult.refused && inPieces.state === chunkResult.more) {
      // Trailers that come in pieces are looked at when all are there: refused with the empty line at the latest.
      const ended = Buffer.concat([bytes, Buffer.from('\r\n\r\n')]);
      expect(read(ended, [...at, ended.length], random), text).toEqual(whole);
    } else expect(inPieces, text).toEqual(whole);
    return outcomes[whole.state]!;
  });
});
