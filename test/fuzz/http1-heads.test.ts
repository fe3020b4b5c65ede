/**
 * Heads of HTTP/1.1 requests and answers out of mutated messages, pieces of heads and random bytes: nothing throws, what
 * is read does not depend on the pieces in which it came nor on the bytes around it, and what is accepted is accepted by
 * the readers of HTTP/2 when it goes on there.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { Arena } from '../../src/protocol/hpack/arena.ts';
import { decoded } from '../../src/protocol/hpack/decoder-shared.ts';
import { ResponseBlocks } from '../../src/protocol/hpack/response-blocks.ts';
import { headResult } from '../../src/protocol/http1/field-section.ts';
import { endOfHead } from '../../src/protocol/http1/head-end.ts';
import { linesToPlain } from '../../src/protocol/http1/lines.ts';
import { ResponseHead } from '../../src/protocol/http1/response-head.ts';
import { mutated } from '../conformance/http1-mutate.ts';
import { requestReader } from '../conformance/http1-support.ts';
import { bytesOf, validMessage } from '../conformance/http1-valid.ts';
import { decoderWith } from '../support/decoder.ts';
import { cuts, embedded, fuzz, type Random, randomBytes, soup } from '../support/fuzz.ts';

/** One of the two kinds of heads, with a limit that long ones exceed. */
interface Reader {
  read(bytes: Buffer, start: number, end: number): number;
  /** Everything that the last head said. */
  values(start: number): object;
  /** The lines that go on. */
  lines(): Buffer;
  readonly maxHeadBytes: number;
}

const limits = { maxListBytes: 8192, maxFields: 64, maxTarget: 1024 };
const request = requestReader(limits);
const { head } = request;
const requests: Reader = {
  maxHeadBytes: head.maxHeadBytes,
  read(bytes, start, end) {
    request.arena.position = 0;
    return head.read(bytes, start, end);
  },
  values(start) {
    const { method, scheme, minor, expectContinue, teTrailers, grpc, timeoutMs, forwardedFor } = head;
    const { contentLength, chunked, keepAlive, upgrade, fields, listBytes } = head;
    return {
      ...{ method, scheme, minor, expectContinue, teTrailers, grpc, timeoutMs, forwardedFor },
      ...{ contentLength, chunked, keepAlive, upgrade, fields, listBytes },
      path: head.path?.text,
      authority: head.authority?.text,
      lines: request.lines(),
      end: head.headEnd - start,
    };
  },
  lines: () => Buffer.from(request.lines(), 'latin1'),
};
const response = new ResponseHead(limits);
const responses: Reader = {
  maxHeadBytes: limits.maxListBytes + 2048,
  read: (bytes, start, end) => response.read(bytes, start, end),
  values(start) {
    const { status, minor, grpcStatus, keepAliveTimeout, contentLength, chunked, keepAlive } = response;
    const { upgrade, fields, listBytes } = response;
    return {
      ...{ status, minor, grpcStatus, keepAliveTimeout, contentLength, chunked, keepAlive },
      ...{ upgrade, fields, listBytes },
      lines: response.lines.toString('latin1', 0, response.linesEnd),
      end: response.headEnd - start,
    };
  },
  lines: () => Buffer.from(response.lines.subarray(0, response.linesEnd)),
};

/** Reads whole; null unless it is a head. */
function readWhole(reader: Reader, bytes: Buffer, random: Random): { state: number; values: object | null } {
  const { bytes: all, start } = embedded(random, bytes);
  const state = reader.read(all, start, start + bytes.length);
  return { state, values: state === headResult.ok ? reader.values(start) : null };
}

/** As the bytes come, read each time, or only when {@link endOfHead} says that it is worth it. */
function readInPieces(
  reader: Reader,
  bytes: Buffer,
  random: Random,
  always: boolean,
): { state: number; values: object | null } {
  const { bytes: all, start } = embedded(random, Buffer.alloc(bytes.length, 0x0a));
  let come = 0;
  for (const cut of cuts(random, bytes.length)) {
    bytes.copy(all, start + come, come, cut);
    const end = start + cut;
    const worth =
      always || come === 0 || cut > reader.maxHeadBytes || endOfHead(all, start, start + come, end) >= 0;
    come = cut;
    if (!worth) continue;
    const state = reader.read(all, start, end);
    if (state !== headResult.incomplete) {
      return { state, values: state === headResult.ok ? reader.values(start) : null };
    }
  }
  return { state: headResult.incomplete, values: null };
}

/** By {@link headResult}. */
const outcomes = ['incomplete', 'ok', 'refused'] as const;
type Outcome = (typeof outcomes)[number];

function check(reader: Reader, bytes: Buffer, random: Random): Outcome {
  const text = JSON.stringify(bytes.toString('latin1'));
  const whole = readWhole(reader, bytes, random);
  expect(readWhole(reader, bytes, random), text).toEqual(whole);
  expect(readInPieces(reader, bytes, random, true), text).toEqual(whole);
  const thrifty = readInPieces(reader, bytes, random, false);
  // What cannot be a head is refused at its end at the latest.
  if (whole.state === headResult.refused) expect(thrifty.state, text).not.toBe(headResult.ok);
  else expect(thrifty, text).toEqual(whole);
  return outcomes[whole.state]!;
}

const pieces = [
  ...['GET ', 'POST ', '/', '/a?b', ' HTTP/1.1', ' HTTP/1.0', 'HTTP/1.1 200 OK', 'HTTP/1.1 204', '\r\n'],
  ...['\r\n', '\r\n', '\r\n\r\n', '\r', '\n', ' ', '\t', ':', ': ', 'a', '\0', '\xff', 'Host: a', 'Host'],
  ...['Content-Length: 3', 'Transfer-Encoding: chunked', 'Connection: ', 'close', 'keep-alive', ', ', 'X-A'],
  ...['Upgrade: websocket', 'TE: trailers', 'Expect: 100-continue', 'grpc-status: 3', 'X-Forwarded-For: 1'],
];
const answers = [
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nDate: x\r\n\r\nabc',
  'HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n0\r\n\r\n',
  'HTTP/1.0 301 Moved Permanently\r\nLocation: /x\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'HTTP/1.1 200 \xe9\r\nContent-Type: application/grpc\r\ngrpc-status: 0\r\nTrailer: a\r\n\r\n',
];
const generated = fc
  .sample(validMessage, { numRuns: 500, seed: 1 })
  .map((one) => bytesOf(one))
  .filter((text) => text.length < 2000);

function source(random: Random, from: readonly string[] | undefined): Buffer {
  switch (random(8)) {
    case 0:
      return randomBytes(random, random(100));
    case 1:
      return soup(random, pieces, 30);
    case 2:
      return Buffer.concat([mutated(random, 2, from), soup(random, pieces, 10)]);
    case 3: {
      if (random(20) > 0) return mutated(random, 3, from);
      // Past the limits: a long value, a long target, many fields.
      const long = ['x'.repeat(random(12_000)), 'X: y\r\n'.repeat(random(100))][random(2)]!;
      const at = random(60);
      const text = mutated(random, 0, from).toString('latin1');
      return Buffer.from(`${text.slice(0, at)}${long}${text.slice(at)}`, 'latin1');
    }
    default:
      return mutated(random, 6, from);
  }
}

describe('heads of HTTP/1.1', () => {
  const arena = new Arena(262_144, 4);
  const blocks = new ResponseBlocks();

  fuzz('HTTP/1.1 requests are read the same in any pieces', outcomes, (random) => {
    const bytes = source(random, random(2) === 0 ? generated : undefined);
    const outcome = check(requests, bytes, random);
    if (outcome !== 'ok' || !readAgain(requests, bytes)) return outcome;
    const lines = requests.lines();
    const block = linesToPlain(lines, 0, lines.length);
    arena.position = 0;
    const text = JSON.stringify(lines.toString('latin1'));
    expect(decoderWith(arena).decode(block, 0, block.length, false), text).toBe(decoded.ok);
    return outcome;
  });

  fuzz('HTTP/1.1 answers are read the same in any pieces', outcomes, (random) => {
    const bytes = source(random, answers);
    const outcome = check(responses, bytes, random);
    if (outcome !== 'ok' || !readAgain(responses, bytes)) return outcome;
    const lines = responses.lines();
    const block = linesToPlain(lines, 0, lines.length);
    const text = JSON.stringify(lines.toString('latin1'));
    expect(blocks.read(block, 0, block.length), text).toMatchObject({ broken: false, problem: '' });
    return outcome;
  });
});

/** The reader's values are those of what was read last. */
function readAgain(reader: Reader, bytes: Buffer): boolean {
  return reader.read(bytes, 0, bytes.length) === headResult.ok;
}
