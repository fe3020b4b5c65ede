import { expect, test } from 'vitest';
import type { Route } from '../model/route.ts';
import { BackOff } from './back-off.ts';
import { decodeForWorker, encode } from './messages.ts';
import { WholeSnapshot, wholeInParts } from './snapshot-parts.ts';

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

test.each([0, 1, 200, 201, 1000])('a snapshot of %i routes goes in parts and comes whole', (n) => {
  const routes = new Map(Array.from({ length: n }, (_, i) => [`r${i}`, route(`r${i}`)]));
  const snapshot = { revision: 5, listeners: [], virtualHosts: [], routes };
  const whole = new WholeSnapshot();
  const results = [...wholeInParts(snapshot)].map((part) => {
    const message = decodeForWorker(encode({ type: 'whole', ...part }));
    if (message.type !== 'whole') throw new Error('not what was sent');
    return whole.take(message.patch, message.last);
  });
  expect(results.slice(0, -1).every((r) => r === null)).toBe(true);
  expect(results.at(-1)?.setRoutes.map((r) => r.id)).toEqual([...routes.keys()]);
  expect(results.at(-1)).toMatchObject({ from: 0, revision: 5, listeners: [], virtualHosts: [] });
});

test('parts of a snapshot that was given up are not mixed into the next', () => {
  const routes = new Map(Array.from({ length: 300 }, (_, i) => [`r${i}`, route(`r${i}`)]));
  const whole = new WholeSnapshot();
  const [first] = [...wholeInParts({ revision: 5, listeners: [], virtualHosts: [], routes })];
  whole.take(first!.patch, first!.last);
  const [only] = [...wholeInParts({ revision: 6, listeners: [], virtualHosts: [], routes: new Map() })];
  expect(whole.take(only!.patch, only!.last)?.setRoutes).toEqual([]);
});

test('back-off doubles, stops at the largest, and forgets after a calm time', () => {
  const backOff = new BackOff(100, 400, 10_000);
  expect([backOff.next(0), backOff.next(1), backOff.next(2), backOff.next(3)]).toEqual([100, 200, 400, 400]);
  expect(backOff.next(20_000)).toBe(100);
});
