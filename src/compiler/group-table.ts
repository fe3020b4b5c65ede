import type { Route } from '../model/route.ts';
import type { Mapping } from '../resources/ambassador/mapping.ts';
import type { MappingMatch } from '../resources/ambassador/mapping-match.ts';
import { finding } from '../resources/issue.ts';
import type { TouchedByCanaries } from './canaries/canary-table.ts';
import { compileGroup } from './compile-group.ts';
import {
  type FailedMember,
  type GroupContext,
  type Member,
  memberName,
  type UnitFinding,
  weighed,
} from './group.ts';
import { clusterOf } from './service-name.ts';
import { type NamedService, namedServices } from './service-table.ts';
import { resourceOf, type Unit } from './unit.ts';
import { associate } from './virtual-hosts.ts';

/** What a group came out as. */
export interface CompiledGroup {
  /** One; none; or two, where letter case decides which members match. */
  readonly routes: readonly Route[];
  readonly services: readonly NamedService[];
  readonly findings: readonly UnitFinding[];
}

interface Group {
  readonly virtualHosts: readonly string[] | null;
  readonly units: Set<Unit>;
}

/** Which units are in which group, and what each group was compiled to. */
export class GroupTable {
  readonly #groups = new Map<string, Group>();
  readonly #keyOf = new Map<Unit, string>();
  readonly #unreached = new Map<Unit, UnitFinding | null>();
  readonly #compiled = new Map<string, CompiledGroup>();

  /** Puts a unit into its group; returns the group's key, or null if it is in none. */
  join(unit: Unit, context: GroupContext): string | null {
    const place = placeOf(unit, context);
    if (place === null) return null;
    if (place.key === null) {
      const mapping = resourceOf(unit, 'Mapping');
      this.#unreached.set(unit, mapping === null ? null : { unit, finding: unreached(mapping), kept: false });
      return null;
    }
    const units = this.#groups.get(place.key)?.units ?? new Set<Unit>();
    units.add(unit);
    this.#groups.set(place.key, { virtualHosts: place.virtualHosts, units });
    this.#keyOf.set(unit, place.key);
    return place.key;
  }

  /** Takes a unit out; returns the key of the group that it was in, or null. */
  leave(unit: Unit): string | null {
    this.#unreached.delete(unit);
    const key = this.#keyOf.get(unit);
    if (key === undefined) return null;
    this.#keyOf.delete(unit);
    const group = this.#groups.get(key);
    group?.units.delete(unit);
    if (group?.units.size === 0) this.#groups.delete(key);
    return key;
  }

  /** Units that are in a group, or in none, where they would not be any more. */
  movable(context: GroupContext): Unit[] {
    const moves = (unit: Unit, key: string | null): boolean => (placeOf(unit, context)?.key ?? null) !== key;
    const members = [...this.#keyOf].filter(([unit, key]) => moves(unit, key)).map(([unit]) => unit);
    return [...members, ...[...this.#unreached.keys()].filter((unit) => moves(unit, null))];
  }

  /** All Mappings that are in a group, as they are written. */
  *members(): Generator<Member> {
    for (const unit of this.#keyOf.keys()) {
      const mapping = resourceOf(unit, 'Mapping');
      if (mapping !== null) yield { unit, mapping };
    }
  }

  /** True if a Mapping (`name.namespace`) is in a group. */
  hasMapping(name: string): boolean {
    for (const member of this.members()) if (memberName(member) === name) return true;
    return false;
  }

  /** Keys of the groups that have one of these services or Mappings (`name.namespace`). */
  *using({ services, mappings }: TouchedByCanaries): Generator<string> {
    for (const [unit, key] of this.#keyOf) {
      const mapping = resourceOf(unit, 'Mapping');
      if (mapping === null) continue;
      const cluster = clusterOf(mapping.serviceKey);
      const service = cluster === null ? '' : `${cluster.name}.${cluster.namespace}`;
      if (services.has(service) || mappings.has(memberName({ unit, mapping }))) yield key;
    }
  }

  /** Keys of all groups, those that are empty by now but were compiled included. */
  keys(): Set<string> {
    return new Set([...this.#groups.keys(), ...this.#compiled.keys()]);
  }

  /** Compiles a group anew. Returns what it was and what it is; null = there is (was) none. */
  compile(key: string, context: GroupContext): { before: CompiledGroup | null; after: CompiledGroup | null } {
    const before = this.#compiled.get(key) ?? null;
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#compiled.delete(key);
      return { before, after: null };
    }
    const members: Member[] = [];
    const failed: FailedMember[] = [];
    for (const unit of group.units) {
      const mapping = resourceOf(unit, 'Mapping');
      const { recovered } = unit.object;
      if (mapping !== null) members.push({ unit, mapping: weighed(mapping, context.canaries) });
      else if (recovered?.kind === 'Mapping') failed.push({ unit, weighted: recovered.weighted });
    }
    const draft = compileGroup(key, group.virtualHosts, members, failed, context);
    const split = draft.route?.action.kind === 'split' ? draft.route.action.split : null;
    const routes = [draft.route, draft.otherCase].filter((route) => route !== null);
    let after: CompiledGroup = {
      routes,
      services: namedServices(split, members),
      findings: draft.findings,
    };
    if (draft.invalid && before !== null && before.routes.length > 0) {
      const findings = draft.findings.map((item) => ({ ...item, kept: true }));
      after = { routes: before.routes, services: before.services, findings };
    }
    this.#compiled.set(key, after);
    return { before, after };
  }

  /** Findings of all groups and of Mappings that no Host reaches. */
  *findings(): Generator<UnitFinding> {
    for (const item of this.#unreached.values()) if (item !== null) yield item;
    for (const { findings } of this.#compiled.values()) yield* findings;
  }
}

/** The group that a unit belongs to; key null: no Host reaches it; null: it is nothing that has a group. */
function placeOf(
  unit: Unit,
  { globals: { hosts } }: GroupContext,
): { key: string | null; virtualHosts: readonly string[] | null } | null {
  const mapping = resourceOf(unit, 'Mapping');
  const { recovered } = unit.object;
  const match = mapping?.match ?? (recovered?.kind === 'Mapping' ? recovered.match : null);
  if (match === null) return null;
  const labels = mapping?.meta.labels ?? (recovered?.kind === 'Mapping' ? recovered.labels : {});
  const virtualHosts = associate(match, labels, hosts);
  return { key: virtualHosts?.length === 0 ? null : groupKey(match, virtualHosts), virtualHosts };
}

/**
 * Where there are Hosts, Mappings with equal conditions can belong to different ones (by their labels): then these
 * are part of what makes a group.
 */
function groupKey(match: MappingMatch, virtualHosts: readonly string[] | null): string {
  return virtualHosts === null
    ? match.key
    : `${match.key}${match.hostGiven ? '' : ' selected'} on ${virtualHosts.join(',')}`;
}

function unreached(mapping: Mapping): UnitFinding['finding'] {
  if (!mapping.match.hostGiven) return finding('hostname-missing', []);
  const { host } = mapping.match.route;
  return finding('no-host', [], { hostname: host.kind === 'any' ? '*' : host.value });
}
