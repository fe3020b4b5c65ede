import { finding } from '../../resources/issue.ts';
import { about, type GroupMember, type SharedPass, wordsOf } from '../group.ts';

/**
 * --isolate-namespaces: the prefix belongs to the namespace with the oldest Mapping (by creationTimestamp, then
 * by name; those without a timestamp last), and the Mappings of others get an error and no traffic.
 */
export const isolate: SharedPass = (draft, context) => {
  if (!context.isolateNamespaces || draft.members.length === 0) return draft;
  const owner = draft.members.reduce((oldest, member) => (age(member) < age(oldest) ? member : oldest))
    .mapping.meta.namespace;
  const isForeign = ({ mapping }: GroupMember): boolean => mapping.meta.namespace !== owner;
  const foreign = draft.members.filter(isForeign);
  return {
    ...draft,
    members: draft.members.filter((member) => !isForeign(member)),
    findings: [
      ...draft.findings,
      ...foreign.map((member) =>
        about(member, finding('namespace-foreign', [], { owner, ...wordsOf(member) })),
      ),
    ],
  };
};

/** Text that sorts an older Mapping before a younger one. */
function age({ mapping }: GroupMember): string {
  return mapping.meta.created ?? '~';
}
