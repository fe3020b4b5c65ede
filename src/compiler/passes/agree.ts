import { canonical } from '../../lib/canonical.ts';
import { finding } from '../../resources/issue.ts';
import { about, type GroupMember, memberName, type SharedPass, type UnitFinding } from '../group.ts';

/**
 * Takes out members whose core fields differ from the leader's (reference 2.4(a)). Only fields that the member
 * has are compared: one that it lacks is taken from the leader; circuit_breakers alone counts both ways.
 */
export function agree(fields: readonly string[]): SharedPass {
  return (draft) => {
    const { leader, members } = draft;
    if (leader === null || members.length < 2) return draft;
    const out = new Map<GroupMember, UnitFinding>();
    for (const member of members) {
      const field = member === leader ? undefined : firstDifference(fields, member, leader);
      if (field === undefined) continue;
      const path = field in member.mapping.core ? [...member.mapping.at, field] : [];
      out.set(member, about(member, finding('group-mismatch', path, { field, leader: memberName(leader) })));
    }
    if (out.size === 0) return draft;
    return {
      ...draft,
      members: members.filter((member) => !out.has(member)),
      failed: [
        ...draft.failed,
        ...[...out.keys()].map(({ unit, mapping }) => ({ unit, weighted: mapping.weight !== null })),
      ],
      findings: [...draft.findings, ...out.values()],
    };
  };
}

function firstDifference(
  fields: readonly string[],
  member: GroupMember,
  leader: GroupMember,
): string | undefined {
  const own = member.mapping.core;
  const theirs = leader.mapping.core;
  return fields.find((field) => {
    const symmetric = field === 'circuit_breakers';
    if (!(field in own)) return symmetric && field in theirs;
    return canonical(own[field]) !== canonical(theirs[field]);
  });
}
