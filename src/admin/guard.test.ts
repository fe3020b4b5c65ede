import { describe, expect, test } from 'vitest';
import { refusal } from './guard.ts';

const request = {
  path: '/api/v1/routes',
  method: 'GET',
  host: '127.0.0.1:8877',
  origin: undefined,
  fetchSite: undefined,
  authorization: undefined,
};
const loopback = { address: '127.0.0.1', token: null, socket: false };
const everywhere = { address: '0.0.0.0', token: 'a-token-of-sixteen', socket: false };

describe('who may read the admin port', () => {
  test.each(['127.0.0.1:8877', 'localhost:8877', 'LOCALHOST', '[::1]:8877', '127.0.0.1'])(
    'on loopback: Host %s',
    (host) => {
      expect(refusal({ ...request, host }, loopback)).toBeNull();
    },
  );

  test.each(['evil.example:8877', 'localhost.evil.example', '', '10.0.0.1', '[fe80::1]:8877'])(
    'on loopback a foreign Host is refused: %s',
    (host) => {
      expect(refusal({ ...request, host }, loopback)?.status).toBe(403);
      expect(refusal({ ...request, path: '/metrics', host }, loopback)?.status).toBe(403);
    },
  );

  test('a cross-origin request is refused everywhere, the own origin is not', () => {
    for (const options of [loopback, everywhere]) {
      const asked = { ...request, path: '/metrics' };
      expect(refusal({ ...asked, origin: 'http://evil.example' }, options)?.status).toBe(403);
      expect(refusal({ ...asked, origin: 'null' }, options)?.status).toBe(403);
      expect(refusal({ ...asked, fetchSite: 'cross-site' }, options)?.status).toBe(403);
      expect(refusal({ ...asked, origin: 'http://127.0.0.1:8877' }, options)).toBeNull();
    }
  });

  test('writing needs the token also on loopback, and nothing on the socket', () => {
    const asked = { ...request, method: 'POST', path: '/api/v1/splits/web' };
    expect(refusal(asked, loopback)).toMatchObject({
      status: 401,
      error: expect.stringContaining('--state'),
    });
    const guarded = { ...loopback, token: 'a-token-of-sixteen' };
    expect(refusal(asked, guarded)?.status).toBe(401);
    expect(refusal({ ...asked, authorization: 'Bearer a-token-of-sixteen' }, guarded)).toBeNull();
    expect(refusal({ ...asked, path: '/metrics' }, everywhere)?.status).toBe(401);
    expect(refusal({ ...asked, host: 'localhost' }, { ...loopback, socket: true })).toBeNull();
  });

  test('elsewhere only health and /metrics answer without the token', () => {
    const asked = { ...request, host: 'gateway.example' };
    for (const path of [
      '/metrics',
      '/healthz',
      '/readyz',
      '/ambassador/v0/check_alive',
      '/ambassador/v0/check_ready',
    ]) {
      expect(refusal({ ...asked, path }, everywhere)).toBeNull();
    }
    expect(refusal(asked, everywhere)?.status).toBe(401);
    expect(refusal({ ...asked, authorization: 'Bearer wrong' }, everywhere)?.status).toBe(401);
    expect(refusal({ ...asked, authorization: 'Bearer a-token-of-sixteen' }, everywhere)).toBeNull();
    expect(refusal({ ...asked, authorization: 'Bearer null' }, { ...everywhere, token: null })?.status).toBe(
      401,
    );
  });
});
