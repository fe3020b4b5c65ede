import { describe, expect, it } from 'vitest';
import { readConnection, requestReader } from '../../../test/conformance/http1-support.ts';
import { decoderWith, plainFields } from '../../../test/support/decoder.ts';
import { Arena } from '../hpack/arena.ts';
import { fieldKind, knownFields } from '../hpack/field-names.ts';
import { encodePlain } from '../hpack/plain.ts';
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
    ['origin-form', 'GET //a/../b?c=%zz&d={"|"} HTTP/1.1', '//a/../b?c=%zz&d={"|"}', 'h', ''],
    ['absolute-form', 'GET http://H/a?b HTTP/1.1', '/a?b', 'H', 'http'],
    ['absolute-form of https', 'GET HTTPS://h/ HTTP/1.1', '/', 'h', 'https'],
    ['absolute-form without a path', 'GET http://h HTTP/1.1', '/', 'h', 'http'],
    ['absolute-form with a query alone', 'GET http://h?a=/b HTTP/1.1', '/?a=/b', 'h', 'http'],
    ['absolute-form of OPTIONS without a path', 'OPTIONS http://h HTTP/1.1', '*', 'h', 'http'],
    ['asterisk-form', 'OPTIONS * HTTP/1.1', '*', 'h', ''],
  ])('has a target in %s (RFC 9112 3.2)', (_, line, path, authority, scheme) => {
    const { head, result } = read(text(line, 'Host: h'));
    expect(result, head.problem).toBe(headResult.ok);
    expect([head.path?.text, head.authority?.text, head.scheme]).toEqual([path, authority, scheme]);
  });

  it('of CONNECT has an authority and no path', () => {
    const { head, result } = read(text('CONNECT h:443 HTTP/1.1', 'Host: H:443'));
    expect(result, head.problem).toBe(headResult.ok);
    expect([head.path, head.authority?.text]).toEqual([null, 'h:443']);
  });

  it('of HTTP/1.0 needs no Host, keeps the connection only if asked to, and has neither Upgrade nor Expect', () => {
    const { head, result, lines } = read(
      text('GET / HTTP/1.0', 'Connection: upgrade', 'Upgrade: websocket', 'Expect: 100-continue'),
    );
    expect(result, head.problem).toBe(headResult.ok);
    expect(head).toMatchObject({
      minor: 0,
      authority: null,
      keepAlive: false,
      upgrade: '',
      expectContinue: false,
    });
    expect(lines()).toBe('');
    expect(read(text('GET / HTTP/1.0', 'Connection: Keep-Alive')).head.keepAlive).toBe(true);
  });

  it('may have a few empty lines in front (RFC 9112 2.2), but not without end', () => {
    const one = text('GET / HTTP/1.1', 'Host: a').toString();
    expect(read(Buffer.from(`\r\n\r\n${one}`)).result).toBe(headResult.ok);
    expect(refused(`${'\r\n'.repeat(5)}${one}`)).toBe(400);
    expect(refused(`\n${one}`)).toBe(400);
  });

  it('starts where it is told to, in any part of any memory', () => {
    const { head, lines } = requestReader();
    const one = text('GET /x HTTP/1.1', 'Host: a', 'A: b');
    for (let offset = 0; offset < 6; offset++) {
      for (let start = 0; start < 6; start++) {
        const memory = Buffer.from(new ArrayBuffer(256), offset, 200);
        one.copy(memory, start);
        expect(head.read(memory, start, start + one.length)).toBe(headResult.ok);
        expect([head.path?.text, lines(), head.headEnd]).toEqual(['/x', 'A: b\r\n', start + one.length]);
      }
    }
  });

  it('moves on in the arena when the lines do not fit', () => {
    const { head, arena, lines } = requestReader();
    arena.current.live++;
    arena.position = 262_144 - 4000;
    const bytes = text('GET / HTTP/1.1', 'Host: a', `A: ${'b'.repeat(3000)}`);
    expect(head.read(bytes, 0, bytes.length)).toBe(headResult.ok);
    expect([head.linesStart, lines().length]).toEqual([0, 3005]);
  });
});

describe('a request head is refused', () => {
  it.each<[name: string, bytes: string, status: number]>([
    ['with a fragment', 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with a control in the target', 'GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with bytes above ASCII in the target', 'GET /\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with a space in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with a tab for a space', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with a space behind the version', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 400],
    ['with a space in front', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with a method that is no token', 'G(T / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with a method that is too long', `${'A'.repeat(33)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 501],
    ['without a version (HTTP/0.9)', 'GET /\r\n', 400],
    ['with a version in lower case', 'GET / http/1.1\r\nHost: a\r\n\r\n', 400],
    ['with a version that is none', 'GET / HTTP/1.11\r\nHost: a\r\n\r\n', 400],
    ['with HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
    ['with HTTP/0.9', 'GET / HTTP/0.9\r\nHost: a\r\n\r\n', 505],
    ['with HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
    ['with * where it is not for OPTIONS', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with an authority where it is not for CONNECT', 'GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 400],
    ['with a path for CONNECT', 'CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with CONNECT and no port', 'CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with another scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with user information in the target', 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with a target and a Host that differ', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with a target and a Host of other ports', 'GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['with an absolute target and no Host', 'GET http://a/ HTTP/1.1\r\n\r\n', 400],
    ['without Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['with an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
    ['with two equal Host lines', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
    ['with a list of hosts', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
    ['with LF alone behind the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 400],
    ['with LF alone behind a field', withField('A: b\nC: d'), 400],
    ['with LF alone at its end', 'GET / HTTP/1.1\r\nHost: a\r\n\n', 400],
    ['with a CR in a value', withField('A: b\rc'), 400],
    ['with a CR in front of CRLF', withField('A: b\r'), 400],
    ['with a CR alone at its end', 'GET / HTTP/1.1\r\nHost: a\r\n\rX', 400],
    ['with obs-fold', withField('A: b', ' c'), 400],
    ['with obs-fold by a tab', withField('A: b', '\tc'), 400],
    ['with a first field line that is indented', 'GET / HTTP/1.1\r\n A: b\r\nHost: a\r\n\r\n', 400],
    ['with a space before the colon', withField('A : b'), 400],
    ['with a tab before the colon', withField('A\t: b'), 400],
    ['with a space in a name', withField('A b: c'), 400],
    ['with an empty name', withField(': b'), 400],
    ['with a name that is no token', withField('A(b): c'), 400],
    ['with a name above ASCII', withField('\u00c4: c'), 400],
    ['without a colon', withField('A'), 400],
    ['with NUL in a value', withField('A: b\0c'), 400],
    ['with a control in a value', withField('A: b\x0bc'), 400],
    ['with DEL in a value', withField('A: \x7f'), 400],
    [
      'with Content-Length and Transfer-Encoding',
      withField('Content-Length: 4', 'Transfer-Encoding: chunked'),
      400,
    ],
    ['with an empty Content-Length', withField('Content-Length:'), 400],
    ['with a good Content-Length and an empty one', withField('Content-Length: 5', 'Content-Length:'), 400],
    ['with two lengths', withField('Content-Length: 5', 'Content-Length: 6'), 400],
    ['with one length written in two ways', withField('Content-Length: 5', 'Content-Length: 05'), 400],
    ['with a list of lengths', withField('Content-Length: 5, 5'), 400],
    ['with a plus sign', withField('Content-Length: +5'), 400],
    ['with a minus sign', withField('Content-Length: -5'), 400],
    ['with a space inside a length', withField('Content-Length: 1 2'), 400],
    ['with a hexadecimal length', withField('Content-Length: 0x5'), 400],
    ['with a length above 2^53', withField('Content-Length: 9007199254740992'), 400],
    ['with a length past 64 bits', withField('Content-Length: 18446744073709551621'), 400],
    ['with a coding beside chunked', withField('Transfer-Encoding: gzip, chunked'), 501],
    ['with a coding that is not chunked', withField('Transfer-Encoding: gzip'), 400],
    ['with identity', withField('Transfer-Encoding: identity'), 400],
    ['with chunked that is not the last', withField('Transfer-Encoding: chunked, gzip'), 400],
    ['with chunked twice', withField('Transfer-Encoding: chunked, chunked'), 400],
    ['with chunked in two lines', withField('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 400],
    ['with chunked and a control', withField('Transfer-Encoding: \x0bchunked'), 400],
    ['with chunked and a parameter', withField('Transfer-Encoding: chunked;a=b'), 400],
    ['with chunked in quotes', withField('Transfer-Encoding: "chunked"'), 400],
    ['with an empty Transfer-Encoding', withField('Transfer-Encoding:'), 400],
    ['with "xchunked"', withField('Transfer-Encoding: xchunked'), 400],
    ['with Transfer-Encoding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['with a Connection that is no list', withField('Connection: keep alive'), 400],
    ['with a Connection that names Host', withField('Connection: close, Host'), 400],
    [
      'with a Connection that names Content-Length',
      withField('Connection: content-length', 'Content-Length: 3'),
      400,
    ],
    ['that is TLS', '\x16\x03\x01\x02\x00\x01\x00\x01', 400],
  ])('%s', (_, bytes, status) => {
    expect(refused(bytes)).toBe(status);
  });

  it('with a target that is too long, before its end has come', () => {
    expect(refused(`GET /${'a'.repeat(200)}`, { maxTarget: 100 })).toBe(414);
    expect(read(text(`GET /${'a'.repeat(99)} HTTP/1.1`, 'Host: a'), { maxTarget: 100 }).result).toBe(
      headResult.ok,
    );
  });

  it('with fields that are too many or too large, before its end has come', () => {
    const many = `GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(11)}`;
    expect(refused(many, { maxFields: 10 })).toBe(431);
    expect(refused(many, { maxListBytes: 300 })).toBe(431);
    expect(refused(`GET / HTTP/1.1\r\nA: ${'b'.repeat(400)}`, { maxListBytes: 300 })).toBe(431);
    expect(refused(`GET / HTTP/1.1\r\n${'A'.repeat(400)}`, { maxListBytes: 300 })).toBe(431);
    expect(refused(`GET / HTTP/1.1\r\nA:${' '.repeat(400)}b\r\nHost: a\r\n\r\n`, { maxListBytes: 300 })).toBe(
      431,
    );
  });

  it('never when it is longer than `maxHeadBytes`', () => {
    const { head } = requestReader({ maxListBytes: 300, maxTarget: 50 });
    const unending = Buffer.from(`${'A'.repeat(32)} ${'/'.repeat(50)} HTTP/1.1\r\n${'A: b\r\n'.repeat(100)}`);
    expect(head.read(unending, 0, head.maxHeadBytes)).toBe(headResult.refused);
  });
});

describe('fields of the hop', () => {
  const kept = (...fields: string[]) => {
    const reader = read(Buffer.from(withField(...fields), 'latin1'));
    expect(reader.result, reader.head.problem).toBe(headResult.ok);
    return { head: reader.head, lines: reader.lines() };
  };

  it('are taken out, with all that Connection names, wherever it stands (RFC 9110 7.6.1)', () => {
    const { lines, head } = kept(
      'X-Hop: 1',
      'A: b',
      'Connection: keep-alive, X-Hop ,, close',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'HTTP2-Settings: AAA',
      'TE: gzip, Trailers',
      'x-hop:  2 ',
      'C: d',
    );
    expect(lines).toBe('A: b\r\nC: d\r\n');
    expect(head).toMatchObject({ keepAlive: false, teTrailers: true, fields: 10 });
  });

  it('have no meaning for the gateway either when Connection names them', () => {
    const { lines, head } = kept(
      'Connection: X-Forwarded-For, grpc-timeout, content-type, expect',
      'X-Forwarded-For: 1.2.3.4',
      'grpc-timeout: 1S',
      'content-type: application/grpc',
      'Expect: 100-continue',
    );
    expect(lines).toBe('');
    expect(head).toMatchObject({ forwardedFor: null, grpc: false, timeoutMs: -1, expectContinue: false });
  });

  it('are understood where Connection names Transfer-Encoding', () => {
    expect(kept('Connection: Transfer-Encoding', 'Transfer-Encoding: Chunked').head.chunked).toBe(true);
  });

  it('ask for an upgrade only if Connection does', () => {
    expect(kept('Connection: Upgrade', 'Upgrade: WebSocket, h2c').head.upgrade).toBe('websocket, h2c');
    expect(kept('Upgrade: websocket').head.upgrade).toBe('');
    expect(kept('Connection: upgrade').head.upgrade).toBe('');
    expect(kept('Connection: upgrade', 'Upgrade: web socket').head.upgrade).toBe('');
  });

  it('expect 100-continue in any case; the line goes on', () => {
    const { head, lines } = kept('Expect: 100-Continue');
    expect([head.expectContinue, lines]).toEqual([true, 'Expect: 100-Continue\r\n']);
    expect(kept('Expect: something').head.expectContinue).toBe(false);
  });

  it('of a length that comes twice in the same digits are one', () => {
    expect(kept('Content-Length: 5', 'content-length: 5').head.contentLength).toBe(5);
    expect(kept('Content-Length: 9007199254740991').head.contentLength).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('and of the gateway are those of the HTTP/2 decoder', () => {
    for (const [name, kind] of knownFields) {
      if (name.startsWith(':') || kind === fieldKind.connectionSpecific) continue;
      const value = { host: 'a', 'content-length': '3', te: 'trailers' }[name] ?? 'x';
      const arena = new Arena(65_536, 1);
      const decoder = decoderWith(arena);
      const block = encodePlain([{ name, value, neverIndexed: false }]);
      decoder.decode(block, 0, block.length, false);
      // What HTTP/1.1 frames and says of its hop stands in the block of HTTP/2, and is written anew here.
      const goesOn = !['content-length', 'te'].includes(name) && plainFields(decoder, arena).length === 1;
      const spelled = name.toUpperCase();
      const bytes = name === 'host' ? withField() : withField(`${spelled}: ${value}`);
      const reader = read(Buffer.from(bytes));
      expect([name, reader.lines()]).toEqual([name, goesOn ? `${spelled}: ${value}\r\n` : '']);
    }
    expect(kept('X-Envoy-Anything: 1', 'X-Envo: 2').lines).toBe('X-Envo: 2\r\n');
  });
});

describe('a connection', () => {
  it('is read as the same messages, whole and byte by byte', () => {
    const bytes = Buffer.concat([
      text('POST /1 HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked'),
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
