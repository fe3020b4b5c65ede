import { expect, test } from 'vitest';
import type { Route } from '../model/route.ts';
import type { Snapshot } from '../model/snapshot.ts';
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
  return { revision, listeners: [], virtualHosts: [], routes };
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
