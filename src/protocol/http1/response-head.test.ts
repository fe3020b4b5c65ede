import { describe, expect, it } from 'vitest';
import { headResult } from './field-section.ts';
import { ResponseHead } from './response-head.ts';

function read(text: string) {
  const head = new ResponseHead({ maxListBytes: 4096, maxFields: 20 });
  const bytes = Buffer.from(text, 'latin1');
  const result = head.read(bytes, 0, bytes.length);
  return { head, result, lines: head.lines.toString('latin1', 0, head.linesEnd) };
}

const withField = (...fields: string[]): string =>
  `HTTP/1.1 200 OK\r\n${fields.map((f) => `${f}\r\n`).join('')}\r\n`;

describe('a response head', () => {
  it('is understood, and its end-to-end lines are copied as they came', () => {
    const text = withField(
      'Server: x/1',
      'Connection: keep-alive, X-Hop',
      'Keep-Alive: timeout=5, max=100',
      'Content-Length: 12',
      'X-Hop: 1',
      'grpc-status: 5',
      'X-Request-Id: kept',
      'Set-Cookie: a=\u00e9',
    );
    const { head, result, lines } = read(text);
    expect(result, head.problem).toBe(headResult.ok);
    expect(head).toMatchObject({
      status: 200,
      minor: 1,
      contentLength: 12,
      chunked: false,
      keepAlive: true,
      keepAliveTimeout: 5,
      grpcStatus: 5,
      headEnd: text.length,
    });
    expect(lines).toBe('Server: x/1\r\ngrpc-status: 5\r\nX-Request-Id: kept\r\nSet-Cookie: a=\u00e9\r\n');
  });

  it.each([
    ['an empty reason phrase', 'HTTP/1.1 200 \r\n\r\n'],
    ['no reason phrase and no space', 'HTTP/1.1 200\r\n\r\n'],
    ['a reason phrase of several words and other bytes', 'HTTP/1.1 200 All\tis \u00e9\r\n\r\n'],
  ])('may have %s', (_, text) => {
    const { head, result } = read(text);
    expect(result, head.problem).toBe(headResult.ok);
    expect(head.status).toBe(200);
  });

  it('of HTTP/1.0 is the last on its connection unless it says otherwise', () => {
    expect(read('HTTP/1.0 200 OK\r\n\r\n').head.keepAlive).toBe(false);
    expect(read('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n').head.keepAlive).toBe(true);
    expect(read(withField('Connection: close')).head.keepAlive).toBe(false);
  });

  it('of 101 names the protocol', () => {
    const { head } = read(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n',
    );
    expect([head.status, head.upgrade]).toEqual([101, 'websocket']);
  });

  it('has a grpc-status that is a number, or something else', () => {
    expect(
      ['0', '16', '17', '-1', '007', 'x'].map((s) => read(withField(`grpc-status: ${s}`)).head.grpcStatus),
    ).toEqual([0, 16, 17, 17, 17, 17]);
    expect(read(withField()).head.grpcStatus).toBe(-1);
  });

  it('is incomplete until its last byte is there', () => {
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\n', 'latin1');
    const head = new ResponseHead({ maxListBytes: 4096, maxFields: 20 });
    for (let end = 0; end < bytes.length; end++) expect(head.read(bytes, 0, end)).toBe(headResult.incomplete);
    expect(head.read(bytes, 0, bytes.length)).toBe(headResult.ok);
  });

  it.each([
    ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['a version in lower case', 'http/1.1 200 OK\r\n\r\n'],
    ['an empty line in front', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status above 599', 'HTTP/1.1 600 OK\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['two spaces', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['LF alone behind the status line', 'HTTP/1.1 200 OK\nA: b\r\n\r\n'],
    ['LF alone behind a field', withField('A: b\nC: d')],
    ['a CR in the reason phrase', 'HTTP/1.1 200 O\rK\r\n\r\n'],
    ['NUL in the reason phrase', 'HTTP/1.1 200 O\0K\r\n\r\n'],
    ['a reason phrase without end', `HTTP/1.1 200 ${'x'.repeat(2000)}`],
    ['obs-fold', withField('A: b', ' c')],
    ['a space before the colon', withField('A : b')],
    ['NUL in a value', withField('A: \0')],
    ['Content-Length and Transfer-Encoding', withField('Content-Length: 4', 'Transfer-Encoding: chunked')],
    ['two lengths', withField('Content-Length: 4', 'Content-Length: 5')],
    ['a coding beside chunked', withField('Transfer-Encoding: gzip, chunked')],
    ['Transfer-Encoding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['too many fields', withField(...new Array<string>(21).fill('A: b'))],
    ['fields that are too large', withField(`A: ${'b'.repeat(5000)}`)],
  ])('is refused with %s', (_, text) => {
    const { head, result } = read(text);
    expect(result).toBe(headResult.refused);
    expect(head.problem).not.toBe('');
  });
});
