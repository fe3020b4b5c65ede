import { expect, it } from 'vitest';
import { bodyRule, requestBody, responseBody } from './body-rule.ts';

const nothing = { contentLength: -1, chunked: false };
const five = { contentLength: 5, chunked: false };
const chunked = { contentLength: -1, chunked: true };

it.each([
  ['1xx', 'GET', 103, five],
  ['101', 'GET', 101, chunked],
  ['204', 'GET', 204, five],
  ['304', 'GET', 304, chunked],
  ['HEAD', 'HEAD', 200, five],
  ['2xx to CONNECT', 'CONNECT', 200, chunked],
  ['a length of 0', 'GET', 200, { contentLength: 0, chunked: false }],
])('an answer has no body: %s (RFC 9112 6.3)', (_, method, status, head) => {
  expect(responseBody(method, status, head)).toBe(bodyRule.none);
});

it('an answer ends by chunks, length, or the end of the connection', () => {
  expect(responseBody('GET', 200, chunked)).toBe(bodyRule.chunked);
  expect(responseBody('POST', 500, five)).toBe(bodyRule.length);
  expect(responseBody('CONNECT', 407, five)).toBe(bodyRule.length);
  expect(responseBody('GET', 200, nothing)).toBe(bodyRule.untilClose);
});

it('a request without a length has no body', () => {
  expect([nothing, { ...five, contentLength: 0 }, five, chunked].map(requestBody)).toEqual([
    bodyRule.none,
    bodyRule.none,
    bodyRule.length,
    bodyRule.chunked,
  ]);
});
