import { finding } from '../../resources/issue.ts';
import { about, type GroupPass, type UnitFinding } from '../group.ts';

/** Warnings about members that are served: upstreams that want TLS, and Mappings of several namespaces. */
export const warnOfMembers: GroupPass = (draft) => {
  const findings: UnitFinding[] = [];
  for (const member of draft.members) {
    const { tls, at } = member.mapping;
    if (tls !== null)
      findings.push(
        about(member, finding('tls-not-served', [...at, tls.context === null ? 'service' : 'tls'])),
      );
  }
  const namespaces = [...new Set(draft.members.map(({ mapping }) => mapping.meta.namespace))];
  const foreign = draft.members.find(
    ({ mapping }) => mapping.meta.namespace !== draft.leader?.mapping.meta.namespace,
  );
  if (foreign !== undefined) {
    findings.push(about(foreign, finding('namespaces-mixed', [], { namespaces: namespaces.join(', ') })));
  }
  return findings.length === 0 ? draft : { ...draft, findings: [...draft.findings, ...findings] };
};
