import { finding } from '../../resources/issue.ts';
import { about, type GroupMember, type SharedPass } from '../group.ts';
import { findContext } from '../tls/contexts.ts';

/** Takes out members whose `tls` names a TLSContext that does not exist. */
export const checkTls: SharedPass = (draft, { globals }) => {
  const lacks = ({ mapping }: GroupMember): boolean => {
    const context = mapping.tls?.context ?? null;
    if (context === null) return false;
    return findContext(globals.tlsContexts, context, mapping.meta.namespace) === null;
  };
  const lacking = draft.members.filter(lacks);
  if (lacking.length === 0) return draft;
  return {
    ...draft,
    members: draft.members.filter((member) => !lacks(member)),
    failed: [
      ...draft.failed,
      ...lacking.map(({ unit, mapping }) => ({ unit, weighted: mapping.weight !== null })),
    ],
    findings: [
      ...draft.findings,
      ...lacking.map((member) => {
        const { at, tls } = member.mapping;
        return about(member, finding('tls-context-missing', [...at, 'tls'], { name: tls?.context ?? '' }));
      }),
    ],
  };
};
