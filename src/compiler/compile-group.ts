import { coreFields } from '../resources/ambassador/mapping-fields.ts';
import {
  compareMembers,
  type FailedMember,
  type GroupContext,
  type GroupDraft,
  type GroupPass,
  type Member,
} from './group.ts';
import { agree } from './passes/agree.ts';
import { checkTls } from './passes/check-tls.ts';
import { isolate } from './passes/isolate.ts';
import { lead } from './passes/lead.ts';
import { makeRoute } from './passes/make-route.ts';
import { otherCase } from './passes/other-case.ts';
import { setAside } from './passes/set-aside.ts';
import { share } from './passes/share.ts';
import { warnOfMembers } from './passes/warn-of-members.ts';

/** What is done with a group, in this order. */
export const groupPasses: readonly GroupPass[] = [
  isolate,
  setAside,
  checkTls,
  lead,
  agree(coreFields),
  warnOfMembers,
  share,
  makeRoute,
  otherCase,
];

/** Runs all passes on a group. */
export function compileGroup(
  key: string,
  virtualHosts: readonly string[] | null,
  members: readonly Member[],
  failed: readonly FailedMember[],
  context: GroupContext,
): GroupDraft {
  const start: GroupDraft = {
    key,
    virtualHosts,
    members: [...members].sort(compareMembers),
    failed,
    redirect: null,
    leader: null,
    split: null,
    route: null,
    otherCase: null,
    findings: [],
    invalid: false,
  };
  return groupPasses.reduce((draft, pass) => pass(draft, context), start);
}
