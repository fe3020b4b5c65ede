import { describe, expect, it } from 'vitest';
import { isCompleteRequest, type RequestFields } from './request-rules.ts';

const get: RequestFields = {
  method: 'GET',
  scheme: 'http',
  protocol: '',
  path: { text: '/' },
  authority: { text: 'a.test' },
  host: null,
  contentLength: -1,
};

describe('isCompleteRequest (RFC 9113 8.3.1, 8.5)', () => {
  it.each<[string, Partial<RequestFields>, boolean]>([
    ['a request', {}, true],
    ['no method', { method: '' }, false],
    ['no scheme', { scheme: '' }, false],
    ['no path', { path: null }, false],
    ['an empty path', { path: { text: '' } }, false],
    ['a path that is no path', { path: { text: 'x' } }, false],
    ['an asterisk', { path: { text: '*' } }, false],
    ['OPTIONS *', { path: { text: '*' }, method: 'OPTIONS' }, true],
    ['host alone', { authority: null, host: { text: 'a.test' } }, true],
    ['host and authority that agree', { host: { text: 'A.test' } }, true],
    ['host and authority that differ', { host: { text: 'b.test' } }, false],
    ['content-length without a body', { contentLength: 3 }, false],
    ['content-length 0', { contentLength: 0 }, true],
    ['extended CONNECT with another method', { protocol: 'websocket' }, false],
    ['CONNECT', { method: 'CONNECT', path: null, scheme: '' }, true],
    ['CONNECT with a path', { method: 'CONNECT' }, false],
    ['CONNECT without authority', { method: 'CONNECT', path: null, scheme: '', authority: null }, false],
  ])('%s', (_name, change, complete) => {
    expect(isCompleteRequest({ ...get, ...change }, true)).toBe(complete);
  });
});
