import type { CanaryState } from '../compiler/canaries/canary-state.ts';
import { canonicalKey, splitKey } from '../compiler/service-name.ts';
import type { SeriesEndings } from '../metrics/merged-metrics.ts';
import type { CallCounts } from '../metrics/observed-shares.ts';
import type { SplitWeight } from '../metrics/weights.ts';

/** Series of calls, by something that several have in common. */
type Grouped = ReadonlyMap<string, readonly SeriesEndings[]>;

/**
 * The calls that each of these Canaries divides, and those of its canary, in their order. Every series is looked at once, however many
 * Canaries there are: there can be thousands of both.
 */
export function callsOfCanaries(
  canaries: readonly CanaryState[],
  endings: readonly SeriesEndings[],
  weights: readonly SplitWeight[],
): CallCounts[] {
  const byService = group(endings, ({ labels }) => splitKey(canonicalKey(labels.service)).host);
  const byRoute = group(endings, ({ labels }) => labels.route);
  const weightsOf = new Map<string, SplitWeight[]>();
  for (const weight of weights) {
    const list = weightsOf.get(weight.mapping);
    if (list === undefined) weightsOf.set(weight.mapping, [weight]);
    else list.push(weight);
  }
  return canaries.map((canary) =>
    canary.versions === null
      ? ofMapping(weightsOf.get(canary.targetName) ?? [], byRoute)
      : ofService(canary, canary.versions.canary.version, byService),
  );
}

function ofService({ port, targetName }: CanaryState, release: string, byService: Grouped): CallCounts {
  const counts = { canary: 0, all: 0 };
  for (const { labels, ended } of byService.get(targetName) ?? []) {
    if (port !== null && splitKey(labels.service).port !== port) continue;
    counts.all += ended;
    if (labels.role === 'canary' && labels.version === release) counts.canary += ended;
  }
  return counts;
}

function ofMapping(own: readonly SplitWeight[], byRoute: Grouped): CallCounts {
  const services = new Set(own.map(({ service }) => service));
  const counts = { canary: 0, all: 0 };
  for (const route of new Set(own.map((weight) => weight.route))) {
    for (const { labels, ended } of byRoute.get(route) ?? []) {
      counts.all += ended;
      if (labels.role === 'canary' && services.has(labels.service)) counts.canary += ended;
    }
  }
  return counts;
}

function group(endings: readonly SeriesEndings[], keyOf: (one: SeriesEndings) => string): Grouped {
  const groups = new Map<string, SeriesEndings[]>();
  for (const one of endings) {
    const key = keyOf(one);
    const list = groups.get(key);
    if (list === undefined) groups.set(key, [one]);
    else list.push(one);
  }
  return groups;
}
