import type { Backend, HeaderEdits } from '../../model/backend.ts';
import type { Role, SplitMember } from '../../model/split.ts';
import type { Mapping } from '../../resources/ambassador/mapping.ts';
import { finding } from '../../resources/issue.ts';
import {
  about,
  type GroupContext,
  type GroupDraft,
  type GroupPass,
  type Member,
  memberName,
} from '../group.ts';
import { aboveHundred, assignRoles, restOf, shownPercent, tippingMember, weightsOf } from '../roles.ts';
import { divide, type Shares } from '../shares.ts';
import { upstreamTls } from '../tls/upstream-tls.ts';

/** Divides the group's calls among its members. See DESIGN, Splits, and reference 2.3. */
export const share: GroupPass = (draft, context) => {
  const { members, leader } = draft;
  if (leader === null) return draft;
  const { weights, missing } = weightsOf(draft);
  const v0 = members.every(({ mapping }) => mapping.version === 0) && missing === undefined;
  const shares = divide(weights, v0);
  // One value for the group: the last that is written, as in Emissary.
  const upgrades = members.findLast(({ mapping }) => mapping.upgrades !== null)?.mapping.upgrades ?? [];
  const backends = assignRoles(members, shares, missing !== undefined).map(
    ({ member, share, role }): SplitMember => {
      return { kind: 'backend', share, role, backend: makeBackend(member, role, upgrades, context) };
    },
  );
  const split = { denominator: shares.denominator, members: [...backends, ...restOf(shares.rest, missing)] };
  return judge({ ...draft, split }, shares, missing !== undefined);
};

function judge(draft: GroupDraft, shares: Shares, hasBroken: boolean): GroupDraft {
  const { verdict, sum } = shares;
  if (verdict === 'fits' || (verdict === 'below' && hasBroken)) return draft;
  const member = tippingMember(draft.members);
  const path = [...member.mapping.at, 'weight'];
  const shown = shownPercent(sum);
  const found =
    verdict === 'below'
      ? finding('weights-below-100', path, { sum: shown, rest: shownPercent(100 - sum) })
      : verdict === 'rescaled'
        ? finding('weights-rescaled', path, { sum: shown })
        : aboveHundred(path, sum);
  return {
    ...draft,
    findings: [...draft.findings, about(member, found)],
    invalid: draft.invalid || verdict === 'above',
  };
}

function makeBackend(
  member: Member,
  role: Role,
  upgrades: readonly string[],
  context: GroupContext,
): Backend {
  const { mapping } = member;
  return {
    name: memberName(member),
    service: mapping.serviceKey,
    protocol: mapping.grpc ? 'h2' : 'http1',
    tls: upstreamTls(mapping, context),
    rewrite: mapping.rewrite,
    hostRewrite: mapping.hostRewrite ?? (mapping.autoHostRewrite ? serviceHost(mapping) : null),
    requestHeaders: requestHeaders(mapping, context),
    responseHeaders: mapping.responseHeaders,
    upgrades,
    grpcWeb: mapping.grpc && context.globals.module?.grpcWeb === true,
    timeoutMs: mapping.timeoutMs ?? context.globals.module?.requestTimeoutMs ?? null,
    onEmpty: role === 'canary' ? 'divert' : 'fail',
  };
}

/** As Envoy's auto_host_rewrite: the name that is looked up, without its port. */
function serviceHost({ serviceKey }: Mapping): string {
  return serviceKey.replace(/:\d+$/, '');
}

/** With add_linkerd_headers Linkerd is told which service is meant, whatever the host says. */
function requestHeaders(mapping: Mapping, { globals }: GroupContext): HeaderEdits {
  const { requestHeaders: edits, serviceKey, linkerdHeaders } = mapping;
  if (!(linkerdHeaders ?? globals.module?.linkerdHeaders ?? false)) return edits;
  const override = { name: 'l5d-dst-override', value: serviceKey, append: false };
  return { ...edits, add: [...edits.add, override] };
}
