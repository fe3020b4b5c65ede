import { decodePlain } from '../../src/protocol/hpack/plain.ts';
import { bodyRule, responseBody } from '../../src/protocol/http1/body-rule.ts';
import { ChunkReader, chunkResult } from '../../src/protocol/http1/chunks.ts';
import { headResult } from '../../src/protocol/http1/field-section.ts';
import { ResponseHead } from '../../src/protocol/http1/response-head.ts';
import { statusLine } from '../../src/protocol/http1/start-lines.ts';
import { inChunks, limits, line, type ReadConnection, type ReadMessage, section } from './http1-support.ts';

const head = new ResponseHead(limits);

/** Answers to begin with, for `mutated`; those with a length of 5 or 3 can be smuggled into one another. */
export const answers: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: x\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-A: until the end\r\n\r\nhello',
  'HTTP/1.0 200 OK\r\n\r\nhello',
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nxyz',
  'HTTP/1.1 500 \u00e9 \r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-O: \u00e9\u00ff\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n',
];

/** Reads all answers on an upstream's connection that ends behind these bytes; all are to requests with `method`. */
export function readAnswers(bytes: Buffer, method: string): ReadConnection {
  const messages: ReadMessage[] = [];
  let at = 0;
  const result = (status: number, problem: string, complete: boolean): ReadConnection => ({
    messages,
    status,
    problem,
    complete,
  });
  for (;;) {
    const read = head.read(bytes, at, bytes.length);
    if (read === headResult.incomplete) return result(0, '', at === bytes.length);
    if (read === headResult.refused) return result(502, head.problem, false);
    const { status, chunked, contentLength, upgrade } = head;
    // Nothing was switched to: the gateway has no answer in it.
    if (status === 101 && upgrade === '') return result(502, '101 without Upgrade', false);
    const rule = responseBody(method, status, head);
    const keepAlive = head.keepAlive && rule !== bodyRule.untilClose && status !== 101;
    const lines = head.lines.toString('latin1', 0, head.linesEnd);
    at = head.headEnd;
    let body = '';
    let trailers: Buffer | null = null;
    if (rule === bodyRule.length || rule === bodyRule.untilClose) {
      const length = rule === bodyRule.length ? contentLength : bytes.length - at;
      if (bytes.length - at < length) return result(0, '', false);
      body = bytes.toString('latin1', at, at + length);
      at += length;
    } else if (rule === bodyRule.chunked) {
      const chunks = new ChunkReader(section);
      const onBodyData = (b: Buffer, from: number, to: number): void => {
        body += b.toString('latin1', from, to);
      };
      const state = chunks.read(bytes, at, bytes.length, { onBodyData });
      if (state === chunkResult.more) return result(0, '', false);
      if (state === chunkResult.refused) return result(502, chunks.problem, false);
      at = chunks.position;
      trailers = chunks.trailers;
    }
    messages.push({
      method: String(status),
      target: '',
      authority: '',
      lines,
      body,
      chunked,
      trailers:
        trailers === null
          ? []
          : decodePlain(trailers, 0, trailers.length).map(({ name, value }) => `${name}: ${value}`),
      keepAlive,
      written: Buffer.concat([
        statusLine(status),
        switching(status, upgrade),
        framed(rule, status, method, contentLength, lines, body, trailers),
      ]),
    });
    if (!keepAlive) return result(0, '', at === bytes.length || status === 101);
  }
}

/** A 101 is about its hop, which is written anew. */
function switching(status: number, upgrade: string): Buffer {
  if (status !== 101) return Buffer.alloc(0);
  return Buffer.concat([line('connection', 'upgrade'), line('upgrade', upgrade)]);
}

/** Framing, lines and body as they go to a client of HTTP/1.1. */
function framed(
  rule: number,
  status: number,
  method: string,
  contentLength: number,
  lines: string,
  body: string,
  trailers: Buffer | null,
): Buffer {
  const rest = Buffer.from(`${lines}\r\n`, 'latin1');
  if (rule === bodyRule.chunked || rule === bodyRule.untilClose) {
    return Buffer.concat([line('transfer-encoding', 'chunked'), rest, inChunks(body, trailers)]);
  }
  if (status < 200 || status === 204 || status === 304) return rest;
  // To HEAD the length is that of the answer to GET, if it is known.
  if (method === 'HEAD' && contentLength < 0) return rest;
  const length = line('content-length', String(Math.max(contentLength, 0)));
  return Buffer.concat([length, rest, Buffer.from(body, 'latin1')]);
}
