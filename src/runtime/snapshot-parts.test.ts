import { expect, test } from 'vitest';
import { defaultHttpSettings } from '../model/http-settings.ts';
import type { Route } from '../model/route.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { TlsContext } from '../model/tls.ts';
import { BackOff } from './back-off.ts';
import { decodeForWorker, encode } from './messages.ts';
import { PatchJoiner, patchInParts, wholePatch } from './snapshot-parts.ts';

const route = (id: string): Route => ({
  id,
  name: id,
  rank: [],
  match: {
    path: { kind: 'prefix', value: '/', ignoreCase: false },
    host: { kind: 'any' },
    method: null,
    headers: [],
    query: [],
  },
  virtualHosts: null,
  action: { kind: 'redirect', redirect: { status: 301, scheme: null, host: null, path: null } },
  blocked: null,
});

function snapshotOf(n: number, revision: number): Snapshot {
  const routes = new Map(Array.from({ length: n }, (_, i) => [`r${i}`, route(`r${i}`)]));
  return {
    revision,
    listeners: [],
    virtualHosts: [],
    tcpRoutes: [],
    tlsContexts: [],
    http: defaultHttpSettings,
    routes,
  };
}

test.each([0, 1, 200, 201, 1000])('a snapshot of %i routes goes in parts and comes whole', (n) => {
  const patch = wholePatch(snapshotOf(n, 5));
  const joiner = new PatchJoiner();
  const results = [...patchInParts(patch)].map((part) => {
    expect(part.patch.setRoutes.length).toBeLessThanOrEqual(200);
    const message = decodeForWorker(encode({ type: 'snapshot', ...part }));
    if (message.type !== 'snapshot') throw new Error('not what was sent');
    return joiner.take(message);
  });
  expect(results.slice(0, -1).every((r) => r === null)).toBe(true);
  expect(results.at(-1)).toEqual(patch);
});

const tlsContext = (name: string): TlsContext => ({
  name,
  hostnames: [name],
  virtualHost: null,
  broken: false,
  certificate: { chain: 'chain', privateKey: 'key' },
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  alpn: ['h2', 'http/1.1'],
  cipherSuites: [],
  ecdhCurves: [],
  clientCertificates: 'off',
  ca: null,
  crl: null,
});

test.each([0, 1, 200, 450])('%i TLS contexts go in parts beside few routes and come whole', (n) => {
  const tlsContexts = Array.from({ length: n }, (_, i) => tlsContext(`c${i}`));
  const patch = wholePatch({ ...snapshotOf(3, 5), tlsContexts });
  const joiner = new PatchJoiner();
  const parts = [...patchInParts(patch)];
  expect(parts.every((part) => part.patch.tlsContexts!.length <= 200)).toBe(true);
  expect(parts.map((part) => joiner.take(part)).at(-1)).toEqual(patch);
});

test('TLS contexts that are not in a patch stay out of it', () => {
  const patch = { ...wholePatch(snapshotOf(300, 5)), tlsContexts: null };
  const joiner = new PatchJoiner();
  expect([...patchInParts(patch)].map((part) => joiner.take(part)).at(-1)?.tlsContexts).toBeNull();
});

test('parts of a snapshot that was given up are not mixed into the next', () => {
  const joiner = new PatchJoiner();
  const [first] = [...patchInParts(wholePatch(snapshotOf(300, 5)))];
  joiner.take(first!);
  const [only] = [...patchInParts(wholePatch(snapshotOf(0, 6)))];
  expect(joiner.take(only!)?.setRoutes).toEqual([]);
});

test('back-off doubles, stops at the largest, and forgets after a calm time', () => {
  const backOff = new BackOff(100, 400, 10_000);
  expect([backOff.next(0), backOff.next(1), backOff.next(2), backOff.next(3)]).toEqual([100, 200, 400, 400]);
  expect(backOff.next(20_000)).toBe(100);
});
