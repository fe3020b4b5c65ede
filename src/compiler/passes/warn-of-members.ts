import { finding } from '../../resources/issue.ts';
import {
  about,
  type GroupContext,
  type GroupMember,
  type SharedPass,
  type UnitFinding,
  wordsOf,
} from '../group.ts';
import { isVerified } from '../tls/upstream-tls.ts';

/** Warnings about members that are served: upstreams over TLS, and Mappings of several namespaces. */
export const warnOfMembers: SharedPass = (draft, context) => {
  const findings: UnitFinding[] = draft.members.flatMap((member) => tlsWarnings(member, context));
  const namespaces = [...new Set(draft.members.map(({ mapping }) => mapping.meta.namespace))];
  const foreign = draft.members.find(
    ({ mapping }) => mapping.meta.namespace !== draft.leader?.mapping.meta.namespace,
  );
  if (foreign !== undefined) {
    findings.push(
      about(
        foreign,
        finding('namespaces-mixed', [], { namespaces: namespaces.join(', '), ...wordsOf(foreign) }),
      ),
    );
  }
  return findings.length === 0 ? draft : { ...draft, findings: [...draft.findings, ...findings] };
};

function tlsWarnings(member: GroupMember, context: GroupContext): UnitFinding[] {
  const { mapping } = member;
  const { tls, at, service } = mapping;
  if (tls === null) return [];
  const path = [...at, tls.context === null ? 'service' : 'tls'];
  if (isVerified(mapping, context)) return [];
  return [about(member, finding('upstream-not-verified', path, { service: service.host }))];
}
