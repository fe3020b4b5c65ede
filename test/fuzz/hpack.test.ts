/**
 * HPACK blocks out of an encoder, mutated, and random ones, several on one connection: nothing throws, two decoders fed
 * the same agree in everything, and what is accepted goes on as HTTP/1.1 as just the fields that it is.
 */
import { describe, expect } from 'vitest';
import { Arena } from '../../src/protocol/hpack/arena.ts';
import { decoded } from '../../src/protocol/hpack/decoder-shared.ts';
import { ResponseBlocks } from '../../src/protocol/hpack/response-blocks.ts';
import { headResult } from '../../src/protocol/http1/field-section.ts';
import { linesRoom, writeLinesFromPlain } from '../../src/protocol/http1/lines.ts';
import { ResponseHead } from '../../src/protocol/http1/response-head.ts';
import { mutated } from '../conformance/http1-mutate.ts';
import { requestReader } from '../conformance/http1-support.ts';
import { decoderWith, plainFields, type TestDecoder } from '../support/decoder.ts';
import { embedded, fuzz, type Random, randomBytes } from '../support/fuzz.ts';
import { type FieldForm, PlainSpokenEncoder, tableOf } from '../support/hpack.ts';

const names = [
  ...[':method', ':path', ':scheme', ':authority', ':status', ':protocol', ':other', 'host', 'te', 'cookie'],
  ...['content-length', 'content-type', 'grpc-timeout', 'grpc-status', 'x-forwarded-for', 'x-envoy-a', 'x-a'],
  ...[
    'connection',
    'transfer-encoding',
    'authorization',
    'X-Upper',
    '',
    'x y',
    'x:y',
    'x-long-name-0123456789',
  ],
];
const values = [
  ...['GET', 'POST', '/', '/a?b', 'http', 'a.test:80', '200', '404', '99', 'trailers', 'a=b', '3', '3x', ''],
  ...[
    'application/grpc',
    '1S',
    '16',
    'gzip, chunked',
    'a\r\nX: y',
    'a\0',
    ' a',
    'a\t',
    '\xe9',
    'v'.repeat(300),
  ],
];

/** Much shorter in Huffman's code, and much longer. */
const long = ['a'.repeat(3000), '~'.repeat(300), '1'.repeat(64)];

function field(random: Random, usual: boolean): FieldForm {
  const name = usual ? ['x-a', 'x-b', 'cookie', 'accept', 'te'][random(5)]! : names[random(names.length)]!;
  const value =
    random(20) === 0 ? long[random(long.length)]! : usual ? `v${random(30)}` : values[random(values.length)]!;
  return {
    name,
    value: name === 'te' && usual ? 'trailers' : value,
    form: (['indexed', 'add', 'plain', 'never'] as const)[random(4)]!,
    nameIndex: random(2) === 0,
    huffmanName: random(2) === 0,
    huffmanValue: random(2) === 0,
  };
}

function head(random: Random, fields: readonly (readonly [string, string])[]): FieldForm[] {
  return fields.map(([name, value]) => ({ ...field(random, true), name, value }));
}

function block(random: Random, encoder: PlainSpokenEncoder, response: boolean): Buffer {
  if (random(8) === 0) return randomBytes(random, random(80));
  const usual = random(3) > 0;
  if (!response && random(6) === 0) encoder.resize(random(4097));
  const first: readonly (readonly [string, string])[] = response
    ? [[':status', ['200', '204', '503'][random(3)]!]]
    : [
        [':method', 'POST'],
        [':path', `/${random(5)}`],
        [':scheme', 'http'],
        [':authority', 'a'],
      ];
  const fields = Array.from({ length: random(8) }, () => field(random, usual));
  const bytes = encoder.encode(usual || random(2) === 0 ? [...head(random, first), ...fields] : fields);
  return random(3) === 0 ? mutated(random, 2, [bytes.toString('latin1')]) : bytes;
}

const state = ['ok', 'malformed', 'tooLarge', 'broken', 'tooMuchWork'] as const;
const arenas = [new Arena(262_144, 4), new Arena(262_144, 4)] as const;
const wide = { maxListBytes: 200_000, maxFields: 600 };
const lineReader = requestReader(wide);
const responseReader = new ResponseHead(wide);

/** Everything that a decoder says of the block that it read last. */
function said(decoder: TestDecoder, arena: Arena, result: number): object {
  const { method, scheme, protocol, grpc, timeoutMs, contentLength, forwardedFor, listBytes, problem } =
    decoder;
  const texts = { path: decoder.path?.text, authority: decoder.authority?.text, host: decoder.host?.text };
  const table = tableOf(decoder.table);
  const block = result === decoded.ok ? plainFields(decoder, arena) : [];
  return {
    ...{ method, scheme, protocol, grpc, timeoutMs, contentLength, forwardedFor, listBytes, problem },
    ...{ result, fields: decoder.fields, block, table, ...texts },
  };
}

/** The fields of a plain block behind a start line: for HTTP/1.1 a head without framing or anything of the hop. */
function asLines(start: string, plain: Buffer): Buffer {
  const room = linesRoom(plain, 0, plain.length);
  expect(room).toBeGreaterThanOrEqual(0);
  const lines = Buffer.alloc(room);
  const end = writeLinesFromPlain(lines, 0, plain, 0, plain.length);
  expect(end).toBeGreaterThanOrEqual(0);
  return Buffer.concat([Buffer.from(start), lines.subarray(0, end), Buffer.from('\r\n')]);
}

describe('HPACK blocks', () => {
  fuzz('requests are read alike by two decoders', ['ok', 'malformed', 'broken'], (random) => {
    const encoder = new PlainSpokenEncoder(4096);
    const [one, two] = arenas.map((arena) => decoderWith(arena)) as [TestDecoder, TestDecoder];
    let worst: (typeof state)[number] = 'ok';
    for (let n = 1 + random(4); n > 0; n--) {
      const bytes = block(random, encoder, false);
      const trailers = random(4) === 0;
      const answers = [one, two].map((decoder, i) => {
        const { bytes: all, start } = embedded(random, bytes);
        // Also where so little is free that the block goes on in another piece of memory.
        arenas[i]!.position = random(2) === 0 ? random(100) : 262_144 - random(8192);
        const result = decoder.decode(all, start, start + bytes.length, trailers);
        all.fill(0);
        return said(decoder, arenas[i]!, result) as { result: number };
      });
      expect(answers[0], bytes.toString('hex')).toEqual(answers[1]);
      const { result } = answers[0]!;
      if (result !== decoded.ok && worst !== 'broken') worst = state[result]!;
      if (result === decoded.broken || result === decoded.tooMuchWork) break;
      if (result !== decoded.ok) continue;
      const plain = arenas[0].current.bytes.subarray(one.plainStart, one.plainEnd);
      const written = asLines('GET / HTTP/1.1\r\nhost: a\r\n', Buffer.from(plain));
      lineReader.arena.position = 0;
      expect(lineReader.head.read(written, 0, written.length), written.toString('latin1')).toBe(
        headResult.ok,
      );
      const { contentLength, chunked, keepAlive, upgrade, headEnd } = lineReader.head;
      expect({ contentLength, chunked, keepAlive, upgrade, headEnd }).toEqual({
        ...{ contentLength: -1, chunked: false, keepAlive: true, upgrade: '', headEnd: written.length },
      });
    }
    return worst as 'ok';
  });

  const kept = new ResponseBlocks();

  fuzz('answers are read alike with and without a memory', ['ok', 'malformed', 'broken'], (random) => {
    const bytes = block(random, new PlainSpokenEncoder(0), true);
    const fresh = new ResponseBlocks().read(bytes, 0, bytes.length);
    for (let n = 0; n < 3; n++) {
      const { bytes: all, start } = embedded(random, bytes);
      const again = kept.read(all, start, start + bytes.length);
      all.fill(0);
      const { bytes: plain, length, ...rest } = again;
      const { bytes: freshPlain, length: freshLength, ...freshRest } = fresh;
      expect(rest, bytes.toString('hex')).toEqual(freshRest);
      expect(plain.toString('hex', 0, length)).toBe(freshPlain.toString('hex', 0, freshLength));
    }
    if (fresh.broken) return 'broken';
    if (fresh.problem !== '') return 'malformed';
    const written = asLines('HTTP/1.1 200 OK\r\n', Buffer.from(fresh.bytes.subarray(0, fresh.length)));
    expect(responseReader.read(written, 0, written.length), written.toString('latin1')).toBe(headResult.ok);
    const { contentLength, chunked, keepAlive, upgrade, headEnd } = responseReader;
    expect({ contentLength, chunked, keepAlive, upgrade, headEnd }).toEqual({
      ...{ contentLength: -1, chunked: false, keepAlive: true, upgrade: '', headEnd: written.length },
    });
    return 'ok';
  });
});
