import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PlanRequest, planOf, replicaPlans } from './replica-plan.ts';

const none = { stable: null, canary: null };

function request(more: Partial<PlanRequest>): PlanRequest {
  return {
    weight: 7,
    today: { stable: 3, canary: 1 },
    minPods: 4,
    maxPods: 100,
    autoscalers: none,
    ...more,
  };
}

test('each plan is nearer than the one before, and the last one is exact where that is possible', () => {
  const plans = replicaPlans(request({}));
  expect(
    plans.map(({ stable, canary, share, error, extraPods }) => [stable, canary, share, error, extraPods]),
  ).toEqual([
    [3, 1, 25, 18, 0],
    [6, 1, 14.2857, 7.2857, 3],
    [9, 1, 10, 3, 6],
    [11, 1, 8.3333, 1.3333, 8],
    [13, 1, 7.1429, 0.1429, 10],
    [40, 3, 6.9767, -0.0233, 39],
    [93, 7, 7, 0, 96],
  ]);
});

test('a most of pods is kept, and then the nearest is the last', () => {
  const plans = replicaPlans(request({ maxPods: 30 }));
  expect(plans.at(-1)).toMatchObject({ stable: 27, canary: 2, pods: 29 });
  expect(replicaPlans(request({ minPods: 10, maxPods: 5 })).map(({ pods }) => pods)).toEqual([10]);
});

test('a version that is to get calls keeps a pod; one that gets none has none', () => {
  expect(replicaPlans(request({ weight: 0.01, minPods: 1, maxPods: 3 }))[0]).toMatchObject({
    stable: 1,
    canary: 1,
  });
  expect(replicaPlans(request({ weight: 99.99, minPods: 2, maxPods: 2 }))[0]).toMatchObject({
    stable: 1,
    canary: 1,
  });
  expect(replicaPlans(request({ weight: 0 }))).toMatchObject([{ stable: 4, canary: 0, error: 0 }]);
  expect(replicaPlans(request({ weight: 100 }))).toMatchObject([{ stable: 0, canary: 4, error: 0 }]);
});

test('an autoscaler moves the share between its least and its most, whatever was planned', () => {
  const counts = { stable: 3, canary: 1 };
  const both = { stable: { min: 2, max: 10 }, canary: { min: 1, max: 4 } };
  const of = (autoscalers: PlanRequest['autoscalers']) => planOf(counts, request({ autoscalers })).autoscaled;
  expect(of(none)).toBeNull();
  expect(of({ stable: both.stable, canary: null })).toEqual({ from: 9.0909, to: 33.3333 });
  expect(of({ stable: null, canary: both.canary })).toEqual({ from: 25, to: 57.1429 });
  expect(of(both)).toEqual({ from: 9.0909, to: 66.6667 });
});

test('no other division of as many pods is nearer', () => {
  const weights = fc.integer({ min: 1, max: 999_999 }).map((n) => n / 10_000);
  fc.assert(
    fc.property(weights, fc.integer({ min: 2, max: 60 }), (weight, minPods) => {
      for (const { pods, error } of replicaPlans(request({ weight, minPods, maxPods: 80 }))) {
        for (let canary = 1; canary < pods; canary++)
          expect(Math.abs(error)).toBeLessThanOrEqual(Math.abs((canary * 100) / pods - weight) + 1e-4);
      }
    }),
  );
});
