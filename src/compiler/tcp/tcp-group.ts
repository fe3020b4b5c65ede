import type { SplitMember } from '../../model/split.ts';
import type { TcpBackend, TcpRoute } from '../../model/tcp-route.ts';
import { type TcpMapping, type TcpMatch, tcpCoreFields } from '../../resources/ambassador/tcp-mapping.ts';
import { splitVersions } from '../canaries/split-versions.ts';
import {
  compareMembers,
  type FailedMember,
  type GroupContext,
  type GroupMember,
  memberName,
  type SharedDraft,
} from '../group.ts';
import { agree } from '../passes/agree.ts';
import { checkTls } from '../passes/check-tls.ts';
import { isolate } from '../passes/isolate.ts';
import { lead } from '../passes/lead.ts';
import { warnOfMembers } from '../passes/warn-of-members.ts';
import { shareTcp } from './share-tcp.ts';

/** A TCPMapping of a group. */
export type TcpMember = GroupMember<TcpMapping>;

/** A route that has no listener yet. */
export type UnplacedRoute = Omit<TcpRoute, 'listener'>;

/** A group of TCPMappings on its way to a route. */
export interface TcpDraft extends SharedDraft<TcpMember> {
  readonly match: TcpMatch;
  readonly split: {
    readonly denominator: number;
    readonly members: readonly SplitMember<TcpBackend>[];
  } | null;
  readonly route: UnplacedRoute | null;
}

/** Envoy's default for TCP, an hour. */
const defaultIdleMs = 3_600_000;

/** What is done with a group, in this order. */
const passes: readonly ((draft: TcpDraft, context: GroupContext) => TcpDraft)[] = [
  isolate,
  checkTls,
  lead,
  agree(tcpCoreFields),
  warnOfMembers,
  shareTcp,
  makeTcpRoute,
];

/** Runs all passes on a group. */
export function compileTcpGroup(
  key: string,
  match: TcpMatch,
  members: readonly TcpMember[],
  failed: readonly FailedMember[],
  context: GroupContext,
): TcpDraft {
  const start: TcpDraft = {
    key,
    match,
    members: [...members].sort(compareMembers),
    failed,
    leader: null,
    split: null,
    route: null,
    findings: [],
    invalid: false,
  };
  return passes.reduce((draft, pass) => pass(draft, context), start);
}

function makeTcpRoute(draft: TcpDraft, { canaries }: GroupContext): TcpDraft {
  const { key, leader, match, split } = draft;
  if (leader === null) return draft;
  // One value for the group: members that have one agree on it.
  const written = draft.members.find(({ mapping }) => mapping.idleTimeoutMs !== null)?.mapping.idleTimeoutMs;
  const route: UnplacedRoute = {
    id: key,
    name: memberName(leader),
    ...match,
    // A connection has no key that it could stick to.
    split: { key, ...splitVersions(split!, canaries), sticky: null, forced: [] },
    idleTimeoutMs: written ?? defaultIdleMs,
  };
  return { ...draft, route };
}
