import { expect, test } from 'vitest';
import type { CanaryState } from '../compiler/canaries/canary-state.ts';
import type { SeriesEndings } from '../metrics/merged-metrics.ts';
import type { SplitWeight } from '../metrics/weights.ts';
import { callsOfCanaries } from './canary-calls.ts';

const ending = (service: string, version: string, role: string, route: string, ended: number) =>
  ({ labels: { service, version, role, route }, ended }) as unknown as SeriesEndings;
const ofService = (targetName: string, port: number | null) =>
  ({ targetName, port, versions: { canary: { version: 'v2' } } }) as unknown as CanaryState;

test('a Service’s calls are those of all its spellings, and of its port where one is named', () => {
  const endings = [
    ending('web.shop:80', 'v1', 'stable', 'a', 70),
    ending('web.shop.svc.cluster.local:80', 'v2', 'canary', 'b', 20),
    ending('web.shop:81', 'v2', 'canary', 'a', 10),
    ending('other.shop:80', 'v2', 'canary', 'a', 1000),
  ];
  expect(callsOfCanaries([ofService('web.shop', null), ofService('web.shop', 80)], endings, [])).toEqual([
    { canary: 30, all: 100 },
    { canary: 20, all: 90 },
  ]);
});

test('a Mapping’s calls are those of its routes', () => {
  const endings = [
    ending('web.shop:80', 'web', 'stable', 'a', 90),
    ending('web2.shop:80', 'web2', 'canary', 'a', 10),
    ending('web2.shop:80', 'web2', 'canary', 'b', 500),
  ];
  const weights = [{ mapping: 'web2.shop', route: 'a', service: 'web2.shop:80' }] as unknown as SplitWeight[];
  const canary = { targetName: 'web2.shop', port: null, versions: null } as unknown as CanaryState;
  expect(callsOfCanaries([canary], endings, weights)).toEqual([{ canary: 10, all: 100 }]);
});

test('a thousand Canaries over two thousand series are counted in a moment', () => {
  const canaries = Array.from({ length: 1000 }, (_, i) => ofService(`s${i}.shop`, 80));
  const endings = canaries.flatMap(({ targetName }) => [
    ending(`${targetName}:80`, 'v1', 'stable', targetName, 1),
    ending(`${targetName}:80`, 'v2', 'canary', targetName, 1),
  ]);
  const began = performance.now();
  expect(callsOfCanaries(canaries, endings, []).every(({ all }) => all === 2)).toBe(true);
  // Each series for each Canary took a second.
  expect(performance.now() - began).toBeLessThan(150);
});
