import { gcd } from '../../lib/integer.ts';
import type { ServiceBackend } from '../../model/backend.ts';
import type { Split, SplitMember, StickyKey } from '../../model/split.ts';
import { divide } from '../shares.ts';
import { type ActiveCanary, type CanaryLookup, canaryName } from './canary-table.ts';

/** The largest denominator that a split may have. */
const MAX_DENOMINATOR = 2 ** 31 - 1;

type Parts<B extends ServiceBackend> = Pick<Split<B>, 'denominator' | 'members' | 'sticky'>;

/**
 * Divides each backend whose service has a Canary into its two versions, with the Canary's weight. The canary's version
 * is a canary whatever its backend was; production's keeps the backend's role.
 */
export function splitVersions<B extends ServiceBackend>(
  split: Omit<Parts<B>, 'sticky'>,
  canaries: CanaryLookup,
): Parts<B> {
  let { denominator, members } = split;
  let sticky: StickyKey | null = null;
  for (const member of split.members) {
    const active = member.kind === 'backend' ? canaries.ofService(member.backend.service) : null;
    if (active === null || member.kind !== 'backend') continue;
    sticky ??= stickyOf(active);
    ({ denominator, members } = splitMember({ denominator, members }, member, active));
  }
  if (members === split.members) return { ...split, sticky };
  // Canaries come first: raising a weight may only ever move a sticky key from production to them.
  const isCanary = (member: SplitMember<B>): boolean => member.kind === 'backend' && member.role === 'canary';
  return {
    denominator,
    members: [...members.filter(isCanary), ...members.filter((member) => !isCanary(member))],
    sticky,
  };
}

type BackendMember<B extends ServiceBackend> = Extract<SplitMember<B>, { kind: 'backend' }>;

function splitMember<B extends ServiceBackend>(
  split: Omit<Parts<B>, 'sticky'>,
  member: BackendMember<B>,
  { canary, weight }: ActiveCanary,
): Omit<Parts<B>, 'sticky'> {
  if (canary.target.kind !== 'service') return split;
  const { versionLabel: label, stable, canary: version } = canary.target;
  const parts = fitting(weight, split.denominator);
  const scale = parts.denominator;
  const production: BackendMember<B> = {
    ...member,
    share: member.share * (scale - parts.canary),
    backend: { ...member.backend, subset: { label, value: stable, elseNot: version } },
  };
  const release: BackendMember<B> = {
    ...member,
    role: 'canary',
    share: member.share * parts.canary,
    backend: {
      ...member.backend,
      subset: { label, value: version, elseNot: null },
      onEmpty: canary.onEmpty === 'fail' ? 'fail' : 'divert',
    },
  };
  const members = split.members.flatMap((other): SplitMember<B>[] => {
    if (other !== member) return [{ ...other, share: other.share * scale }];
    return [release, production];
  });
  return reduce({ denominator: split.denominator * scale, members });
}

/** A weight as a fraction that still fits beside the split's own denominator, if need be rounded. */
function fitting(weight: number, denominator: number): { canary: number; denominator: number } {
  const exact = divide([weight, null], false);
  if (exact.denominator * denominator <= MAX_DENOMINATOR)
    return { canary: exact.shares[0]!, denominator: exact.denominator };
  const room = Math.max(1, Math.floor(MAX_DENOMINATOR / denominator));
  return { canary: Math.round((weight / 100) * room), denominator: room };
}

function reduce<B extends ServiceBackend>(split: Omit<Parts<B>, 'sticky'>): Omit<Parts<B>, 'sticky'> {
  const divisor = split.members.reduce((all, { share }) => gcd(all, share), split.denominator);
  if (divisor <= 1) return split;
  return {
    denominator: split.denominator / divisor,
    members: split.members.map((member) => ({ ...member, share: member.share / divisor })),
  };
}

function stickyOf({ canary }: ActiveCanary): StickyKey | null {
  const { sticky } = canary;
  if (sticky === null) return null;
  const { kind, name, maxAgeS, seed } = sticky;
  return { kind, name, maxAgeS, seed: seed ?? canaryName(canary) };
}
