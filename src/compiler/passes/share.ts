import type { Backend, HeaderEdits } from '../../model/backend.ts';
import type { FixedResponse, Role, SplitMember } from '../../model/split.ts';
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
import { divide, type Shares } from '../shares.ts';
import { upstreamTls } from '../tls/upstream-tls.ts';

/** Divides the group's calls among its members. See DESIGN, Splits, and reference 2.3. */
export const share: GroupPass = (draft, context) => {
  const { members, failed, leader } = draft;
  if (leader === null) return draft;
  const weights = members.map(({ mapping }) => mapping.weight);
  const missing = weights.includes(null) ? undefined : failed.find(({ weighted }) => !weighted);
  // "Alone" means that the others are absent, not broken.
  const alone = members.length === 1 && failed.length === 0;
  const v0 = members.every(({ mapping }) => mapping.version === 0) && missing === undefined;
  const shares = divide(alone ? [null] : weights, v0);
  const rest: SplitMember[] = [];
  if (shares.rest > 0) {
    const share = shares.rest;
    rest.push(
      missing === undefined
        ? { kind: 'next', share }
        : { kind: 'respond', share, response: brokenAnswer(missing.unit.report.label) },
    );
  }
  // One value for the group: the last that is written, as in Emissary.
  const upgrades = members.findLast(({ mapping }) => mapping.upgrades !== null)?.mapping.upgrades ?? [];
  const backends = assignRoles(members, shares, missing !== undefined).map(
    ({ member, share, role }): SplitMember => {
      return { kind: 'backend', share, role, backend: makeBackend(member, role, upgrades, context) };
    },
  );
  const split = { denominator: shares.denominator, members: [...backends, ...rest] };
  return judge({ ...draft, split }, shares, missing !== undefined);
};

function judge(draft: GroupDraft, shares: Shares, hasBroken: boolean): GroupDraft {
  const { verdict, sum } = shares;
  if (verdict === 'fits' || (verdict === 'below' && hasBroken)) return draft;
  const weighted = draft.members.filter(({ mapping }) => mapping.weight !== null);
  // The first whose weight makes the sum too large, or the last one.
  let total = 0;
  const tips = ({ mapping }: Member): boolean => {
    total += mapping.weight ?? 0;
    return total > 100;
  };
  const member = weighted.find(tips) ?? weighted.at(-1)!;
  const path = [...member.mapping.at, 'weight'];
  const shown = Number(sum.toFixed(6));
  const found =
    verdict === 'below'
      ? finding('weights-below-100', path, { sum: shown, rest: Number((100 - sum).toFixed(6)) })
      : verdict === 'rescaled'
        ? finding('weights-rescaled', path, { sum: shown })
        : finding('weights-above-100', path, {
            sum: shown,
            until: 'those of the last good state, else scaled down to 100',
          });
  return {
    ...draft,
    findings: [...draft.findings, about(member, found)],
    invalid: draft.invalid || verdict === 'above',
  };
}

/**
 * Canaries first, each kind by namespace and name. Members with a weight are canaries of those without (or of a
 * broken one); where all have weights, the largest is stable.
 */
function assignRoles(
  members: readonly Member[],
  shares: Shares,
  stableIsBroken: boolean,
): { member: Member; share: number; role: Role }[] {
  const hasStable = stableIsBroken || members.some(({ mapping }) => mapping.weight === null);
  const largest = Math.max(...shares.shares);
  const first = shares.shares.indexOf(largest);
  const roles = members.map((member, index) => {
    const stable =
      members.length === 1 && !stableIsBroken
        ? true
        : hasStable
          ? member.mapping.weight === null
          : index === first;
    return { member, share: shares.shares[index]!, role: stable ? ('stable' as const) : ('canary' as const) };
  });
  return [...roles.filter(({ role }) => role === 'canary'), ...roles.filter(({ role }) => role === 'stable')];
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

function brokenAnswer(label: string | null): FixedResponse {
  const message = `the configuration of ${label ?? 'a Mapping'} has an error, so its share of the calls cannot be served`;
  return { status: 503, grpcStatus: 14, message, reason: 'broken_config' };
}
