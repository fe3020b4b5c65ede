import type { SplitMember } from '../../model/split.ts';
import type { TcpBackend } from '../../model/tcp-route.ts';
import { finding } from '../../resources/issue.ts';
import { about, type GroupContext, memberName } from '../group.ts';
import { aboveHundred, assignRoles, restOf, shownPercent, tippingMember, weightsOf } from '../roles.ts';
import { divide, type Shares } from '../shares.ts';
import { upstreamTls } from '../tls/upstream-tls.ts';
import type { TcpDraft, TcpMember } from './tcp-group.ts';

/**
 * Divides the group's connections among its members, as a group of Mappings divides its calls. One thing is different: a
 * connection has no next route, so weights that add up to less than 100 are scaled up.
 */
export function shareTcp(draft: TcpDraft, context: GroupContext): TcpDraft {
  const { members, leader } = draft;
  if (leader === null) return draft;
  const { weights, missing } = weightsOf(draft);
  const shares = divideConnections(weights, missing !== undefined);
  const backends = assignRoles(members, shares, missing !== undefined).map(
    ({ member, share, role }): SplitMember<TcpBackend> => ({
      kind: 'backend',
      share,
      role,
      backend: makeBackend(member, role === 'canary', context),
    }),
  );
  const split = { denominator: shares.denominator, members: [...backends, ...restOf(shares.rest, missing)] };
  return judge({ ...draft, split }, shares, missing !== undefined);
}

/** What nobody is left to take is scaled up, unless it is the share of a member that is broken just now. */
function divideConnections(weights: readonly (number | null)[], hasBroken: boolean): Shares {
  const shares = divide(weights, false);
  return shares.verdict === 'below' && shares.sum > 0 && !hasBroken ? divide(weights, true) : shares;
}

function judge(draft: TcpDraft, { verdict, sum }: Shares, hasBroken: boolean): TcpDraft {
  if (verdict === 'fits' || (verdict === 'below' && hasBroken)) return draft;
  const member = tippingMember(draft.members);
  const path = [...member.mapping.at, 'weight'];
  const found =
    verdict === 'above'
      ? aboveHundred(path, sum)
      : finding('tcp-weights-rescaled', path, { sum: shownPercent(sum) });
  return {
    ...draft,
    findings: [...draft.findings, about(member, found)],
    invalid: draft.invalid || verdict === 'above',
  };
}

function makeBackend(member: TcpMember, isCanary: boolean, context: GroupContext): TcpBackend {
  const { mapping } = member;
  return {
    name: memberName(member),
    service: mapping.serviceKey,
    tls: upstreamTls(mapping, context),
    onEmpty: isCanary ? 'divert' : 'fail',
    proxyProtocol: mapping.proxyProtocol,
  };
}
