import type { Route } from '../model/route.ts';
import type { SplitMember } from '../model/split.ts';
import type { Mapping } from '../resources/ambassador/mapping.ts';
import type { Finding } from '../resources/issue.ts';
import type { Globals } from './globals.ts';
import type { Unit } from './unit.ts';

/** A Mapping of a group. */
export interface Member {
  readonly unit: Unit;
  readonly mapping: Mapping;
}

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
}

/** A group on its way to a route. Each pass returns the next draft. */
export interface GroupDraft {
  readonly key: string;
  /** Names of the virtual hosts; null = all. */
  readonly virtualHosts: readonly string[] | null;
  /** Members that may get traffic, by namespace and name. */
  readonly members: readonly Member[];
  /** Members that an error took out, with whether they had a weight; and broken documents of this group. */
  readonly failed: readonly FailedMember[];
  readonly redirect: Member | null;
  readonly leader: Member | null;
  readonly split: { readonly denominator: number; readonly members: readonly SplitMember[] } | null;
  readonly route: Route | null;
  /** Where members differ in case_sensitive: the route of paths that only the insensitive ones match. */
  readonly otherCase: Route | null;
  readonly findings: readonly UnitFinding[];
  /** True if the group is wrong as a whole, so that its last good state is preferred to this one. */
  readonly invalid: boolean;
}

/** Something that should be a member and is not. */
export interface FailedMember {
  readonly unit: Unit;
  readonly weighted: boolean;
}

/** One step from a group of Mappings to a route. */
export type GroupPass = (draft: GroupDraft, context: GroupContext) => GroupDraft;

/** By namespace, then name. */
export function compareMembers(a: Member, b: Member): number {
  const x = a.mapping.meta;
  const y = b.mapping.meta;
  if (x.namespace !== y.namespace) return x.namespace < y.namespace ? -1 : 1;
  return x.name === y.name ? 0 : x.name < y.name ? -1 : 1;
}

/** `name.namespace` of a member. */
export function memberName({ mapping }: Member): string {
  return `${mapping.meta.name}.${mapping.meta.namespace}`;
}

/** A finding about a field of a member. */
export function about(member: Member, found: Finding): UnitFinding {
  return { unit: member.unit, finding: found, kept: false };
}
