import { expect, it } from 'vitest';
import { requestLine, statusLine } from './start-lines.ts';

it('a status line has the reason phrase of its status, or none', () => {
  expect(statusLine(200).toString()).toBe('HTTP/1.1 200 OK\r\n');
  expect(statusLine(599).toString()).toBe('HTTP/1.1 599 \r\n');
  expect(statusLine(404)).toBe(statusLine(404));
});

it.each([99, 600, 200.5, Number.NaN])('there is none for %d', (status) => {
  expect(() => statusLine(status)).toThrow(RangeError);
});

it('a request line is one line', () => {
  expect(requestLine('GET', '/a?b').toString()).toBe('GET /a?b HTTP/1.1\r\n');
  for (const [method, target] of [
    ['GET /', '/'],
    ['', '/'],
    ['GET\r\n', '/'],
    ['GET', ''],
    ['GET', '/ HTTP/1.1\r\nA: b'],
    ['GET', '/\n'],
    ['GET', '/\u00e9'],
    ['GET', '/\u010a'],
  ] as const) {
    expect(() => requestLine(method, target), `${method} ${target}`).toThrow(RangeError);
  }
});
