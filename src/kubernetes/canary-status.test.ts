import { expect, test } from 'vitest';
import type { CanaryState } from '../compiler/canaries/canary-state.ts';
import { statusPatch } from './canary-status.ts';

const now = new Date('2026-01-02T03:04:05.678Z');
const state: CanaryState = {
  name: 'web',
  namespace: 'shop',
  generation: 4,
  target: 'Service web.shop',
  targetName: 'web.shop',
  port: 80,
  revision: 'version=v2',
  weight: 20,
  specWeight: 20,
  overlay: null,
  versions: { stable: { version: 'v1', ready: 3, pods: 3 }, canary: { version: 'v2', ready: 1, pods: 1 } },
  others: [],
  conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: 'fine' }],
};

test('what is written leads to a status about which there is nothing more to write', () => {
  const first = statusPatch(state, 19.8, {}, now)!;
  expect(first).toMatchObject({
    observedGeneration: 4,
    weight: 20,
    observedShare: 19.8,
    conditions: [{ type: 'Ready', observedGeneration: 4, lastTransitionTime: '2026-01-02T03:04:05Z' }],
  });
  // As the API server gives it back: keys sorted, null fields gone.
  const stored = JSON.parse(JSON.stringify(first, (_key, value) => value ?? undefined)) as typeof first;
  expect(statusPatch(state, 19.8, stored, new Date())).toBeNull();
  expect(statusPatch(state, 19.84, stored, new Date())).toBeNull();
  expect(statusPatch(state, null, stored, new Date())).toBeNull();
  expect(statusPatch(state, 25, stored, new Date())).toMatchObject({ observedShare: 25 });
});

test('a condition keeps its time until its status is another; those of others stay', () => {
  const old = { type: 'Ready', status: 'True', reason: 'Ready', lastTransitionTime: '2020-01-01T00:00:00Z' };
  const foreign = { type: 'Approved', status: 'True' };
  const same = statusPatch(state, null, { conditions: [old, foreign] }, now)!;
  expect(same.conditions).toMatchObject([{ lastTransitionTime: old.lastTransitionTime }, foreign]);
  const changed: CanaryState = {
    ...state,
    conditions: [{ type: 'Ready', status: 'False', reason: 'NoCanaryPods', message: 'none' }],
  };
  expect(statusPatch(changed, null, { conditions: [old] }, now)!.conditions).toMatchObject([
    { reason: 'NoCanaryPods', lastTransitionTime: '2026-01-02T03:04:05Z' },
  ]);
});

test('the overlay is never in it', () => {
  expect(statusPatch(state, 1, { overlay: { weight: 3 } }, now)).not.toHaveProperty('overlay');
});
