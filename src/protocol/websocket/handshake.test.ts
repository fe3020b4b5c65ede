import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  acceptOf,
  connectStatus,
  isAccepted,
  type Sha1,
  upgradeRefusal,
  versionRefusal,
  websocketProtocol,
  websocketVersion,
} from './handshake.ts';

const sha1: Sha1 = (text) => createHash('sha1').update(text).digest('base64');
// The example of RFC 6455 1.3.
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

describe('an upgrade', () => {
  it('is accepted by the example of the specification', () => {
    expect(acceptOf(key, sha1)).toBe(accept);
    expect(upgradeRefusal('GET', [key], [websocketVersion])).toBeNull();
    expect(websocketProtocol).toBe('websocket');
  });

  it.each([
    ['another method', 'POST', [key], ['13'], 400],
    ['no key', 'GET', [], ['13'], 400],
    ['two keys', 'GET', [key, key], ['13'], 400],
    ['a key of 15 bytes', 'GET', ['dGhlIHNhbXBsZSBub25j'], ['13'], 400],
    ['a key of 17 bytes', 'GET', ['dGhlIHNhbXBsZSBub25jZSE='], ['13'], 400],
    ['a key without padding', 'GET', ['dGhlIHNhbXBsZSBub25jZQ'], ['13'], 400],
    ['a key of base64url', 'GET', ['dGhlIHNhbXBsZSBub25j_-=='], ['13'], 400],
    ['an empty key', 'GET', [''], ['13'], 400],
    ['no version', 'GET', [key], [], 426],
    ['an older version', 'GET', [key], ['8'], 426],
    ['several versions', 'GET', [key], ['13, 8'], 426],
    ['two versions', 'GET', [key], ['13', '13'], 426],
    ['a version with a zero in front', 'GET', [key], ['013'], 426],
  ])('is refused with %s', (_, method, keys, versions, status) => {
    expect(upgradeRefusal(method, keys, versions)).toMatchObject({
      status,
      problem: expect.stringMatching(/./),
    });
  });
});

it('an extended CONNECT needs the version only', () => {
  expect(versionRefusal(['13'])).toBeNull();
  expect(versionRefusal(['12'])).toMatchObject({ status: 426 });
});

it('an answer is one to its own key only', () => {
  expect(isAccepted([accept], key, sha1)).toBe(true);
  expect(isAccepted([` ${accept}\t`], key, sha1)).toBe(true);
  expect(isAccepted([], key, sha1)).toBe(false);
  expect(isAccepted([accept, accept], key, sha1)).toBe(false);
  expect(isAccepted([accept.toLowerCase()], key, sha1)).toBe(false);
  expect(isAccepted([accept], 'AAAAAAAAAAAAAAAAAAAAAA==', sha1)).toBe(false);
});

it.each([
  [101, 200],
  [200, 502],
  [204, 502],
  [301, 301],
  [403, 403],
  [503, 503],
])('status %i is %i for HTTP/2', (status, connect) => {
  expect(connectStatus(status)).toBe(connect);
});
