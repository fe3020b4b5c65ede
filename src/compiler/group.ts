import type { Route } from '../model/route.ts';
import type { SplitMember } from '../model/split.ts';
import type { Mapping } from '../resources/ambassador/mapping.ts';
import type { TcpMapping } from '../resources/ambassador/tcp-mapping.ts';
import type { Finding } from '../resources/issue.ts';
import type { CanaryLookup } from './canaries/canary-table.ts';
import type { Globals } from './globals.ts';
import type { Unit } from './unit.ts';

/** A member of a group: a Mapping, or a TCPMapping. */
export interface GroupMember<M extends Mapping | TcpMapping = Mapping | TcpMapping> {
  readonly unit: Unit;
  readonly mapping: M;
}

/** A Mapping of a group. */
export type Member = GroupMember<Mapping>;

/** A finding about a unit: told by the group that the unit is in. */
export interface UnitFinding {
  readonly unit: Unit;
  readonly finding: Finding;
  /** True if the group's last good state goes on being served. */
  readonly kept: boolean;
}

/** What passes may look at beside the group. */
export interface GroupContext {
  readonly globals: Globals;
  readonly unguarded: boolean;
  readonly isolateNamespaces: boolean;
  readonly verifyUpstreams: boolean;
  readonly canaries: CanaryLookup;
}

/** What groups of both kinds have in common. Passes that look at nothing else are for both. */
export interface SharedDraft<M extends GroupMember = GroupMember> {
  readonly key: string;
  /** Members that may get traffic, by namespace and name. */
  readonly members: readonly M[];
  /** Members that an error took out, with whether they had a weight; and broken documents of this group. */
  readonly failed: readonly FailedMember[];
  readonly leader: M | null;
  readonly findings: readonly UnitFinding[];
  /** True if the group is wrong as a whole, so that its last good state is preferred to this one. */
  readonly invalid: boolean;
}

/** A group of Mappings on its way to a route. Each pass returns the next draft. */
export interface GroupDraft extends SharedDraft<Member> {
  /** Names of the virtual hosts; null = all. */
  readonly virtualHosts: readonly string[] | null;
  readonly redirect: Member | null;
  readonly split: { readonly denominator: number; readonly members: readonly SplitMember[] } | null;
  readonly route: Route | null;
  /** Where members differ in case_sensitive: the route of paths that only the insensitive ones match. */
  readonly otherCase: Route | null;
}

/** Something that should be a member and is not. */
export interface FailedMember {
  readonly unit: Unit;
  readonly weighted: boolean;
}

/** One step from a group of Mappings to a route. */
export type GroupPass = (draft: GroupDraft, context: GroupContext) => GroupDraft;

/** A step that is the same for groups of both kinds. */
export type SharedPass = <D extends SharedDraft>(draft: D, context: GroupContext) => D;

/** By namespace, then name. */
export function compareMembers(a: GroupMember, b: GroupMember): number {
  const x = a.mapping.meta;
  const y = b.mapping.meta;
  if (x.namespace !== y.namespace) return x.namespace < y.namespace ? -1 : 1;
  return x.name === y.name ? 0 : x.name < y.name ? -1 : 1;
}

/** A Mapping with the weight that counts: a Canary or a command can have taken it over. */
export function weighed<M extends Mapping | TcpMapping>(mapping: M, canaries: CanaryLookup): M {
  const weight = canaries.weightOfMapping(
    `${mapping.meta.name}.${mapping.meta.namespace}`,
    mapping.serviceKey,
  );
  return weight === null ? mapping : { ...mapping, weight };
}

/** `name.namespace` of a member. */
export function memberName({ mapping }: GroupMember): string {
  return `${mapping.meta.name}.${mapping.meta.namespace}`;
}

/** A finding about a field of a member. */
export function about(member: GroupMember, found: Finding): UnitFinding {
  return { unit: member.unit, finding: found, kept: false };
}

/** Words for messages: the kind of a member, and what a group shares. */
export function wordsOf({ mapping: { kind } }: GroupMember): { kind: string; what: string } {
  return { kind, what: kind === 'Mapping' ? 'prefix' : 'port' };
}
