import type { Route } from '../../model/route.ts';
import type { SplitMember } from '../../model/split.ts';
import { splitVersions } from '../canaries/split-versions.ts';
import { type GroupDraft, type GroupPass, type Member, memberName } from '../group.ts';
import { blockedBy } from '../guards.ts';

/**
 * Members that differ in case_sensitive: each has its own match (reference 2.4(b)). Paths in the group's own letter case match all
 * of them and are divided as always. Paths in another case match the insensitive members only, and have a route of their own.
 */
export const otherCase: GroupPass = (draft, context) => {
  const { route, members } = draft;
  const insensitive = members.find(ignoresCase);
  if (route === null || insensitive === undefined || members.every(ignoresCase)) return draft;
  if (route.match.path.kind === 'regex') return draft;
  const other: Route = {
    ...route,
    id: `${route.id} other case`,
    match: { ...route.match, path: { ...route.match.path, ignoreCase: 'only' } },
    action: {
      kind: 'split',
      split: {
        key: `${draft.key} other case`,
        ...splitVersions(shareAmong(draft), context.canaries),
        forced: [],
      },
    },
    blocked: blockedBy(insensitive.mapping, false, context),
  };
  const own: Route = {
    ...route,
    match: { ...route.match, path: { ...route.match.path, ignoreCase: false } },
  };
  return { ...draft, route: own, otherCase: other };
};

function ignoresCase({ mapping }: Member): boolean {
  return mapping.match.route.path.ignoreCase === true;
}

/**
 * Reference 2.3: the members stand in a row, those with a weight first, each with the sum of the shares up to it, and the first that
 * matches and is above the call's one random number takes it. So an insensitive member also takes the shares of the sensitive ones
 * right before it; what the last one leaves falls through.
 */
function shareAmong({ split, members }: GroupDraft): {
  denominator: number;
  members: readonly SplitMember[];
} {
  const { denominator, members: all } = split!;
  const row = [...members].sort((a, b) => Number(isUnweighted(a)) - Number(isUnweighted(b)));
  const taken = new Map<string, number>();
  let sum = 0;
  let before = 0;
  for (const member of row) {
    const name = memberName(member);
    sum += all.find((one) => one.kind === 'backend' && one.backend.name === name)?.share ?? 0;
    if (!ignoresCase(member)) continue;
    taken.set(name, sum - before);
    before = sum;
  }
  const left: SplitMember[] = all.flatMap((one) => {
    if (one.kind !== 'backend') return [];
    const share = taken.get(one.backend.name);
    return share === undefined ? [] : [{ ...one, share }];
  });
  const rest = denominator - before;
  return { denominator, members: rest > 0 ? [...left, { kind: 'next', share: rest }] : left };
}

function isUnweighted({ mapping }: Member): boolean {
  return mapping.weight === null;
}
