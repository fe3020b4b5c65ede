import type { Rank, Route, RouteAction } from '../../model/route.ts';
import type { MappingMatch } from '../../resources/ambassador/mapping-match.ts';
import { splitVersions } from '../canaries/split-versions.ts';
import { type GroupPass, memberName } from '../group.ts';
import { blockedBy } from '../guards.ts';

/** Puts the route together: match and name from the leader, action from the split or the redirect. */
export const makeRoute: GroupPass = (draft, context) => {
  const leader = draft.redirect ?? draft.leader;
  if (leader === null) return draft;
  const { mapping } = leader;
  let action: RouteAction;
  if (draft.redirect !== null) {
    action = { kind: 'redirect', redirect: draft.redirect.mapping.redirect! };
  } else {
    action = {
      kind: 'split',
      split: { key: draft.key, ...splitVersions(draft.split!, context.canaries), forced: [] },
    };
  }
  // One value for the group: the last that is written, as in Emissary.
  const written = draft.members.findLast((member) => member.mapping.cors !== null)?.mapping.cors;
  const cors = written ?? mapping.cors ?? context.globals.module?.cors ?? null;
  const route: Route = {
    id: draft.key,
    name: memberName(leader),
    rank: makeRank(mapping.match, draft.key),
    match: mapping.match.route,
    virtualHosts: draft.virtualHosts,
    action,
    blocked: blockedBy(mapping, draft.redirect !== null, context),
    ...(cors === null ? {} : { cors }),
  };
  return { ...draft, route };
};

/**
 * Ambassador's sort key (reference 2.5): precedence, length of the prefix, of headers, of query parameters, the
 * prefix itself, the method slot, then each header and query parameter. What is equal by it and yet another group
 * (exact, plain, expression) is told apart by one last text that begins below all others, so that "longer and
 * equal so far comes first" still holds.
 */
export function makeRank(match: MappingMatch, key: string): Rank {
  const { path } = match.route;
  const kind = { exact: '2', prefix: '1', regex: '0' }[path.kind];
  return [
    match.precedence,
    path.value.length,
    match.headerRank.length,
    match.queryRank.length,
    path.value,
    'GET',
    ...match.headerRank.items,
    ...match.queryRank.items,
    `\u0000${kind}${key}`,
  ];
}
