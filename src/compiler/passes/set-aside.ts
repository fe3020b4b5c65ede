import { finding } from '../../resources/issue.ts';
import { about, type GroupPass, memberName, type UnitFinding } from '../group.ts';

/**
 * Takes shadows and redirects out of the members: they are never members of a split. Shadow wins where both are
 * set. A redirect has its group for itself; beside others, or a second one, it is an error and ignored.
 */
export const setAside: GroupPass = (draft) => {
  const shadows = draft.members.filter(({ mapping }) => mapping.shadow);
  const redirects = draft.members.filter(({ mapping }) => !mapping.shadow && mapping.redirect !== null);
  if (shadows.length === 0 && redirects.length === 0) return draft;
  const members = draft.members.filter(({ mapping }) => !mapping.shadow && mapping.redirect === null);
  const findings: UnitFinding[] = [];
  shadows.forEach((shadow, index) => {
    const path = [...shadow.mapping.at, 'shadow'];
    if (members.length === 0) findings.push(about(shadow, finding('shadow-alone', path)));
    else if (index > 0)
      findings.push(about(shadow, finding('shadow-twice', path, { other: memberName(shadows[0]!) })));
    else findings.push(about(shadow, finding('shadow-not-served', path)));
  });
  const redirect = members.length === 0 ? (redirects[0] ?? null) : null;
  for (const member of redirects) {
    if (member === redirect) continue;
    const other = memberName(redirect ?? members[0]!);
    findings.push(about(member, finding('redirect-conflict', [], { other })));
  }
  return { ...draft, members, redirect, findings: [...draft.findings, ...findings] };
};
