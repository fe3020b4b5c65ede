import { describe, expect, it } from 'vitest';
import { readConnection, requestReader } from '../../../test/conformance/http1-support.ts';
import { headResult } from './field-section.ts';

const text = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');

function read(bytes: Buffer, change = {}) {
  const reader = requestReader(change);
  const result = reader.head.read(bytes, 0, bytes.length);
  return { ...reader, result };
}

/** Reads a head that has to be refused; its status. */
function refused(bytes: Buffer | string, change = {}): number {
  const { head, result } = read(Buffer.from(bytes as string, 'latin1'), change);
  expect(result, head.problem).toBe(headResult.refused);
  expect(head.problem).not.toBe('');
  return head.status;
}

const withField = (...fields: string[]): string =>
  `GET / HTTP/1.1\r\nHost: a\r\n${fields.map((f) => `${f}\r\n`).join('')}\r\n`;

describe('a request head', () => {
  it('is understood, and its end-to-end lines are copied as they came', () => {
    const bytes = text(
      'POST /a/b?c=d HTTP/1.1',
      'Host: quote.test:8080',
      'User-Agent: x',
      'Connection: keep-alive',
      'Content-Type: application/grpc+proto',
      'Content-Length: 12',
      'X-Request-Id: abc',
      'grpc-timeout: 2S',
      'TE: trailers',
      'X-Forwarded-For: 1.2.3.4',
      'x-forwarded-for: 5.6.7.8',
      'X-Envoy-Original-Path: /x',
      'Cookie: a=b',
    );
    const { head, result, lines } = read(bytes);
    expect(result, head.problem).toBe(headResult.ok);
    expect(head).toMatchObject({
      method: 'POST',
      scheme: '',
      minor: 1,
      contentLength: 12,
      chunked: false,
      keepAlive: true,
      upgrade: '',
      expectContinue: false,
      teTrailers: true,
      grpc: true,
      timeoutMs: 2000,
      forwardedFor: '1.2.3.4, 5.6.7.8',
      fields: 12,
      headEnd: bytes.length,
      status: 0,
    });
    expect(head.path?.text).toBe('/a/b?c=d');
    expect(head.authority?.text).toBe('quote.test:8080');
    expect(lines()).toBe(
      'User-Agent: x\r\nContent-Type: application/grpc+proto\r\ngrpc-timeout: 2S\r\nCookie: a=b\r\n',
    );
  });

  it('leaves white space around a value behind (RFC 9112 5)', () => {
    const { lines, head, result } = read(
      text(
        'GET / HTTP/1.1',
        'Host: \ta\t ',
        'A:b',
        'B:  c',
        'C: d ',
        'D:\te\t\t',
        'E:',
        'F: ',
        'G: \t ',
        'H: i j\tk',
      ),
    );
    expect(result, head.problem).toBe(headResult.ok);
    expect(lines()).toBe('A:b\r\nB: c\r\nC: d\r\nD:e\r\nE:\r\nF: \r\nG: \r\nH: i j\tk\r\n');
    expect(head.authority?.text).toBe('a');
  });

  it('is incomplete until its last byte is there, and nothing is refused before', () => {
    const bytes = text('POST /x HTTP/1.1', 'Host: a', 'X: \u00e9\u00e8 y', 'Content-Length: 3');
    const { head } = requestReader();
    for (let end = 0; end < bytes.length; end++) expect(head.read(bytes, 0, end)).toBe(headResult.incomplete);
    expect(head.read(bytes, 0, bytes.length)).toBe(headResult.ok);
  });

  it.each([
    ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['no version (HTTP/0.9)', 'GET /\r\n', 400],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
    ['a space before the colon', withField('A : b'), 400],
    ['obs-fold', withField('A: b', ' c'), 400],
    ['LF alone', 'GET / HTTP/1.1\nHost: a\n\n', 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ])('is refused with %s', (_, bytes, status) => {
    expect(refused(bytes)).toBe(status);
  });
});

describe('a connection', () => {
  it('is read as the same messages, whole and byte by byte', () => {
    const bytes = Buffer.concat([
      text('POST /1 HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked').subarray(0),
      Buffer.from('5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-T: 1\r\nContent-Length: 5\r\n\r\n'),
      text('POST /2 HTTP/1.1', 'Host: a', 'Content-Length: 4'),
      Buffer.from('body'),
      text('GET /3 HTTP/1.1', 'Host: a'),
    ]);
    const whole = readConnection(bytes);
    expect(whole).toMatchObject({ status: 0, complete: true });
    expect(whole.messages.map(({ target, body, trailers }) => [target, body, trailers])).toEqual([
      ['/1', 'hello world', ['x-t: 1']],
      ['/2', 'body', []],
      ['/3', '', []],
    ]);
    for (const step of [1, 2, 3, 7]) expect(readConnection(bytes, step)).toEqual(whole);
  });
});
