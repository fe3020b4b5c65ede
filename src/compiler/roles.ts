import type { ValuePath } from '../lib/position.ts';
import type { FixedResponse, Role, SplitMember } from '../model/split.ts';
import { type Finding, finding } from '../resources/issue.ts';
import type { FailedMember, GroupMember, SharedDraft } from './group.ts';
import type { Shares } from './shares.ts';

/** A member with what it gets. */
interface RoledMember<M> {
  readonly member: M;
  readonly share: number;
  readonly role: Role;
}

/**
 * Canaries first, each kind by namespace and name. Members with a weight are canaries of those without (or of a
 * broken one); where all have weights, the largest is stable.
 */
export function assignRoles<M extends GroupMember>(
  members: readonly M[],
  shares: Shares,
  stableIsBroken: boolean,
): RoledMember<M>[] {
  const hasStable = stableIsBroken || members.some(({ mapping }) => mapping.weight === null);
  const largest = Math.max(...shares.shares);
  const first = shares.shares.indexOf(largest);
  const roles = members.map((member, index) => {
    const stable =
      members.length === 1 && !stableIsBroken
        ? true
        : hasStable
          ? member.mapping.weight === null
          : index === first;
    return { member, share: shares.shares[index]!, role: stable ? ('stable' as const) : ('canary' as const) };
  });
  return [...roles.filter(({ role }) => role === 'canary'), ...roles.filter(({ role }) => role === 'stable')];
}

/** Weights as they are divided, and the member without weight that is missing because it is broken. */
export function weightsOf<M extends GroupMember>({
  members,
  failed,
}: SharedDraft<M>): { weights: readonly (number | null)[]; missing: FailedMember | undefined } {
  const weights = members.map(({ mapping }) => mapping.weight);
  const missing = weights.includes(null) ? undefined : failed.find(({ weighted }) => !weighted);
  // "Alone" means that the others are absent, not broken.
  const alone = members.length === 1 && failed.length === 0;
  return { weights: alone ? [null] : weights, missing };
}

/** Who gets what a group's members leave: the next route, or nobody where a broken member should have had it. */
export function restOf(
  share: number,
  missing: FailedMember | undefined,
): Exclude<SplitMember, { kind: 'backend' }>[] {
  if (share <= 0) return [];
  if (missing === undefined) return [{ kind: 'next', share }];
  return [{ kind: 'respond', share, response: brokenAnswer(missing.unit.report.label) }];
}

/** The member that a wrong sum of weights is told of: the first whose weight makes it too large, or the last one. */
export function tippingMember<M extends GroupMember>(members: readonly M[]): M {
  const weighted = members.filter(({ mapping }) => mapping.weight !== null);
  let total = 0;
  const tips = ({ mapping }: M): boolean => {
    total += mapping.weight ?? 0;
    return total > 100;
  };
  return weighted.find(tips) ?? weighted.at(-1)!;
}

/** A percentage without the dust of binary fractions. */
export function shownPercent(percent: number): number {
  return Number(percent.toFixed(6));
}

/** The error of weights that add up to more than 100. */
export function aboveHundred(path: ValuePath, sum: number): Finding {
  const until = 'those of the last good state, else scaled down to 100';
  return finding('weights-above-100', path, { sum: shownPercent(sum), until });
}

/** What the share of a broken member is answered with, so that it does not go to the canary. */
function brokenAnswer(label: string | null): FixedResponse {
  const message = `the configuration of ${label ?? 'a Mapping'} has an error, so its share of the calls cannot be served`;
  return { status: 503, grpcStatus: 14, message, reason: 'broken_config' };
}
