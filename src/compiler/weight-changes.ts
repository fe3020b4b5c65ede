import type { Route } from '../model/route.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** A share that has become another, on the Mapping (`name.namespace`) that it is told of. */
export interface WeightChange {
  readonly mapping: string;
  readonly reason: 'WeightChanged' | 'RolledBack';
  readonly message: string;
}

/**
 * What the step from one snapshot to the next has changed about the shares of Mappings. A canary that is gone is a roll-back, told of
 * production's Mapping. Shares by versions of a Service are told by their Canary.
 */
export function weightChanges(before: Snapshot, after: Snapshot): WeightChange[] {
  if (before.routes === after.routes || before.revision === 0) return [];
  const changes: WeightChange[] = [];
  for (const [id, route] of after.routes) {
    const old = before.routes.get(id);
    if (old !== undefined && old !== route) changes.push(...compare(old, route));
  }
  return changes;
}

function compare(before: Route, after: Route): WeightChange[] {
  const old = sharesOf(before);
  const now = sharesOf(after);
  const changes: WeightChange[] = [];
  const gone = [...old].filter(([mapping, { isCanary }]) => isCanary && !now.has(mapping));
  if (gone.length > 0) {
    const names = gone.map(([mapping]) => mapping).join(', ');
    const share = gone.reduce((sum, [, member]) => sum + member.share, 0);
    const message = `the canary ${names} is gone; its ${percent(share)} of the calls go to ${after.name}`;
    changes.push({ mapping: after.name, reason: 'RolledBack', message });
  }
  for (const [mapping, { share, isCanary }] of now) {
    const was = old.get(mapping)?.share;
    if (!isCanary || was === share) continue;
    const message = `it gets ${percent(share)} of the calls of ${after.name} (before: ${percent(was ?? 0)})`;
    changes.push({ mapping, reason: 'WeightChanged', message });
  }
  return changes;
}

/** Shares by Mapping, from 0 to 1. Production that is divided by a Canary is production all the same. */
function sharesOf({ action }: Route): Map<string, { share: number; isCanary: boolean }> {
  const shares = new Map<string, { share: number; isCanary: boolean }>();
  if (action.kind !== 'split') return shares;
  const { members, denominator } = action.split;
  for (const member of members) {
    if (member.kind !== 'backend') continue;
    const { name, subset } = member.backend;
    const known = shares.get(name) ?? { share: 0, isCanary: true };
    // One whose versions are divided has the sum of both, and is a canary only if all of it is.
    const isCanary = known.isCanary && member.role === 'canary';
    const ofVersion = subset != null && subset.elseNot === null;
    shares.set(name, {
      share: known.share + member.share / denominator,
      isCanary: ofVersion ? known.isCanary : isCanary,
    });
  }
  return shares;
}

function percent(share: number): string {
  return `${Math.round(share * 1e6) / 1e4} %`;
}
