import { Arena } from '../../src/protocol/hpack/arena.ts';
import { decodePlain } from '../../src/protocol/hpack/plain.ts';
import { plainText, ValueCache, type WireValue } from '../../src/protocol/hpack/value-cache.ts';
import { bodyRule, requestBody } from '../../src/protocol/http1/body-rule.ts';
import {
  chunkHeadBytes,
  endOfChunks,
  lastChunk,
  writeChunkHead,
} from '../../src/protocol/http1/chunk-writer.ts';
import { ChunkReader, chunkResult } from '../../src/protocol/http1/chunks.ts';
import { headResult } from '../../src/protocol/http1/field-section.ts';
import { linesRoom, writeLine, writeLinesFromPlain } from '../../src/protocol/http1/lines.ts';
import { RequestHead } from '../../src/protocol/http1/request-head.ts';
import { requestLine } from '../../src/protocol/http1/start-lines.ts';
import { TrailerSection } from '../../src/protocol/http1/trailers.ts';
import { string } from '../support/hpack.ts';

/** A reader whose values are kept as they came, with memory and caches of its own. */
export interface TestReader {
  readonly head: RequestHead<WireValue, WireValue>;
  readonly arena: Arena;
  /** The end-to-end lines of the head that was read last. */
  lines(): string;
}

/** As generous as the gateway's. */
export const limits = { maxListBytes: 65_536, maxFields: 256, maxTarget: 16_384 };

/** Makes one. */
export function requestReader(change: Partial<typeof limits> = {}): TestReader {
  const arena = new Arena(262_144, 4);
  const head = new RequestHead<WireValue, WireValue>({
    arena,
    paths: new ValueCache(1024, (wire) => wire, plainText),
    authorities: new ValueCache(256, (wire) => wire, plainText),
    ...limits,
    ...change,
  });
  const lines = () => arena.current.bytes.toString('latin1', head.linesStart, head.linesEnd);
  return { head, arena, lines };
}

/** One message as it was understood. */
export interface ReadMessage {
  /** Of an answer its status. */
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly lines: string;
  readonly body: string;
  /** The body came in chunks, and is sent on in others. */
  readonly chunked: boolean;
  readonly trailers: readonly string[];
  /** More may come behind it on its connection. */
  readonly keepAlive: boolean;
  /** Made of it by the writers, as it would be sent on: framed anew. */
  readonly written: Buffer;
}

/** What a connection's bytes were understood as, until they ended or were refused. */
export interface ReadConnection {
  readonly messages: readonly ReadMessage[];
  /** Status of the refusal; 0 = none. */
  readonly status: number;
  readonly problem: string;
  /** All bytes belong to the messages: nothing is missing, nothing is left over. */
  readonly complete: boolean;
}

const reader = requestReader();
/** Reads trailers for all that is read here. */
export const section: TrailerSection = new TrailerSection(limits);

/** Reads all messages on a connection. @param step bytes that come at a time. */
export function readConnection(bytes: Buffer, step = bytes.length): ReadConnection {
  const messages: ReadMessage[] = [];
  const { head } = reader;
  let at = 0;
  let come = Math.min(step, bytes.length);
  const more = (): boolean => {
    if (come === bytes.length) return false;
    come = Math.min(come + step, bytes.length);
    return true;
  };
  const result = (status: number, problem: string, complete: boolean): ReadConnection => ({
    messages,
    status,
    problem,
    complete,
  });
  for (;;) {
    reader.arena.position = 0;
    let read = head.read(bytes, at, come);
    while (read === headResult.incomplete && more()) read = head.read(bytes, at, come);
    if (read === headResult.incomplete) return result(0, '', at === bytes.length);
    if (read === headResult.refused) return result(head.status, head.problem, false);
    const { method, path, authority, contentLength } = head;
    const lines = reader.lines();
    const keepAlive = head.keepAlive && method !== 'CONNECT' && head.upgrade === '';
    at = head.headEnd;
    const data: string[] = [];
    let trailers: Buffer | null = null;
    const rule = requestBody(head);
    if (rule === bodyRule.length) {
      while (come - at < contentLength && more());
      if (come - at < contentLength) return result(0, '', false);
      data.push(bytes.toString('latin1', at, at + contentLength));
      at += contentLength;
    } else if (rule === bodyRule.chunked) {
      const chunks = new ChunkReader(section);
      const sink = {
        onBodyData: (b: Buffer, from: number, to: number) => void data.push(b.toString('latin1', from, to)),
      };
      let state = chunks.read(bytes, at, come, sink);
      while (state === chunkResult.more) {
        at = come;
        if (!more()) return result(0, '', false);
        state = chunks.read(bytes, at, come, sink);
      }
      if (state === chunkResult.refused) return result(400, chunks.problem, false);
      at = chunks.position;
      trailers = chunks.trailers;
    }
    const target = method === 'CONNECT' ? authority!.text : path!.text;
    const body = data.join('');
    messages.push({
      method,
      target,
      authority: authority?.text ?? '',
      lines,
      body,
      chunked: head.chunked,
      keepAlive,
      trailers:
        trailers === null
          ? []
          : decodePlain(trailers, 0, trailers.length).map(({ name, value }) => `${name}: ${value}`),
      written: writtenAnew(method, target, authority?.text ?? 'none', lines, body, head.chunked, trailers),
    });
    if (!keepAlive) return result(0, '', at === bytes.length);
  }
}

/**
 * Why a connection is read as something else when its bytes come `step` at a time; '' when it is not. What is refused may
 * be refused later, but not later than at an empty line: lines that come in pieces are looked at when all are there.
 */
export function differenceInPieces(bytes: Buffer, step: number): string {
  const whole = readConnection(bytes);
  const pieces = readConnection(bytes, step);
  if (JSON.stringify(pieces.messages) !== JSON.stringify(whole.messages)) {
    return `messages ${JSON.stringify(pieces.messages)} and not ${JSON.stringify(whole.messages)}`;
  }
  if (pieces.status === whole.status && pieces.complete === whole.complete) return '';
  if (pieces.status === 0 && !pieces.complete) {
    const ended = readConnection(Buffer.concat([bytes, emptyLine]), step);
    if (ended.status === whole.status && ended.messages.length === whole.messages.length) return '';
  }
  return `${pieces.status} ${pieces.problem} and not ${whole.status} ${whole.problem}`;
}

const emptyLine = Buffer.from('\r\n\r\n');

/** The message as the writers of `src/protocol/http1` write it; HTTP/1.0 without Host gets one, as HTTP/1.1 needs it. */
function writtenAnew(
  method: string,
  target: string,
  host: string,
  lines: string,
  body: string,
  chunked: boolean,
  trailers: Buffer | null,
): Buffer {
  const framing = chunked
    ? line('transfer-encoding', 'chunked')
    : body === ''
      ? nothing
      : line('content-length', String(body.length));
  return Buffer.concat([
    requestLine(method, target),
    line('host', host),
    framing,
    Buffer.from(`${lines}\r\n`, 'latin1'),
    chunked ? inChunks(body, trailers) : Buffer.from(body, 'latin1'),
  ]);
}

const nothing = Buffer.alloc(0);

/** One line, as it is written. */
export function line(name: string, value: string): Buffer {
  const target = Buffer.alloc(name.length + value.length + 4);
  writeLine(target, 0, name, value);
  return target;
}

/** A body in chunks of 1, 2, 4 and more bytes, wherever the ones were cut that it came in. */
export function inChunks(body: string, trailers: Buffer | null): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, length = 1; at < body.length; at += length, length *= 2) {
    const data = Buffer.from(body.slice(at, at + length), 'latin1');
    const head = Buffer.alloc(chunkHeadBytes);
    parts.push(head.subarray(0, writeChunkHead(head, 0, data.length)), data, Buffer.from('\r\n'));
  }
  if (trailers === null) return Buffer.concat([...parts, endOfChunks]);
  const lines = Buffer.alloc(linesRoom(trailers, 0, trailers.length));
  const to = writeLinesFromPlain(lines, 0, trailers, 0, trailers.length);
  return Buffer.concat([...parts, lastChunk, lines.subarray(0, to), Buffer.from('\r\n')]);
}

/**
 * A block of literals that holds any bytes, valid or not. @param huffman names and values are Huffman-coded.
 */
export function fieldsBlock(
  fields: readonly (readonly [name: string, value: string])[],
  huffman = false,
): Buffer {
  const parts = fields.flatMap(([name, value]) => [
    Buffer.from([0]),
    string(name, huffman),
    string(value, huffman),
  ]);
  return Buffer.concat(parts);
}
