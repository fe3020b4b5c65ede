import type { TcpMatch } from '../../resources/ambassador/tcp-mapping.ts';
import { type FailedMember, type GroupContext, memberName, type UnitFinding, weighed } from '../group.ts';
import { type NamedService, namedServices } from '../service-table.ts';
import { resourceOf, type Unit } from '../unit.ts';
import { compileTcpGroup, type TcpMember, type UnplacedRoute } from './tcp-group.ts';

/** What a group came out as. */
export interface CompiledTcpGroup {
  readonly route: UnplacedRoute | null;
  /** The object that the route is named after. */
  readonly leader: Unit | null;
  readonly services: readonly NamedService[];
  readonly findings: readonly UnitFinding[];
}

interface Group {
  readonly match: TcpMatch;
  readonly units: Set<Unit>;
}

/** TCPMappings by what they take, and what each group was compiled to. */
export class TcpTable {
  readonly #groups = new Map<string, Group>();
  readonly #compiled = new Map<string, CompiledTcpGroup>();
  readonly #dirty = new Set<string>();

  /** Adds or removes an object; others than TCPMappings are passed over. */
  change(unit: Unit, add: boolean): void {
    const match = matchOf(unit);
    if (match === null) return;
    const key = keyOf(match);
    const group = this.#groups.get(key) ?? { match, units: new Set<Unit>() };
    this.#dirty.add(key);
    if (add) group.units.add(unit);
    else group.units.delete(unit);
    if (group.units.size > 0) this.#groups.set(key, group);
    else this.#groups.delete(key);
  }

  /**
   * Compiles the groups anew whose members have changed, or all. Returns whether something may be other than before.
   * @param onServices told which services a group has named and names.
   */
  compile(
    context: GroupContext,
    all: boolean,
    onServices: (before: readonly NamedService[], after: readonly NamedService[]) => void,
  ): boolean {
    if (all) for (const key of [...this.#groups.keys(), ...this.#compiled.keys()]) this.#dirty.add(key);
    if (this.#dirty.size === 0) return false;
    for (const key of this.#dirty) {
      const before = this.#compiled.get(key) ?? null;
      const after = this.#compile(key, before, context);
      if (after === null) this.#compiled.delete(key);
      else this.#compiled.set(key, after);
      onServices(before?.services ?? [], after?.services ?? []);
    }
    this.#dirty.clear();
    return true;
  }

  #compile(key: string, before: CompiledTcpGroup | null, context: GroupContext): CompiledTcpGroup | null {
    const group = this.#groups.get(key);
    if (group === undefined) return null;
    const members: TcpMember[] = [];
    const failed: FailedMember[] = [];
    for (const unit of group.units) {
      const mapping = resourceOf(unit, 'TCPMapping');
      const { recovered } = unit.object;
      if (mapping !== null) members.push({ unit, mapping: weighed(mapping, context.canaries) });
      else if (recovered?.kind === 'TCPMapping') failed.push({ unit, weighted: recovered.weighted });
    }
    const draft = compileTcpGroup(key, group.match, members, failed, context);
    if (draft.invalid && before !== null && before.route !== null) {
      return { ...before, findings: draft.findings.map((item) => ({ ...item, kept: true })) };
    }
    return {
      route: draft.route,
      leader: draft.leader?.unit ?? null,
      services: namedServices(draft.route?.split ?? null, members),
      findings: draft.findings,
    };
  }

  /** All groups that have a route, by its id. */
  compiled(): readonly CompiledTcpGroup[] {
    return [...this.#compiled]
      .filter(([, { route }]) => route !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, group]) => group);
  }

  /** True if a TCPMapping (`name.namespace`) is in a group. */
  hasMapping(name: string): boolean {
    for (const member of this.members()) if (memberName(member) === name) return true;
    return false;
  }

  /** All TCPMappings that are in a group, as they are written. */
  *members(): Generator<TcpMember> {
    for (const { units } of this.#groups.values()) {
      for (const unit of units) {
        const mapping = resourceOf(unit, 'TCPMapping');
        if (mapping !== null) yield { unit, mapping };
      }
    }
  }

  /** Findings of all groups. */
  *findings(): Generator<UnitFinding> {
    for (const { findings } of this.#compiled.values()) yield* findings;
  }
}

function matchOf(unit: Unit): TcpMatch | null {
  const { recovered } = unit.object;
  const mapping = resourceOf(unit, 'TCPMapping');
  return mapping?.match ?? (recovered?.kind === 'TCPMapping' ? recovered.match : null);
}

function keyOf({ address, port, host }: TcpMatch): string {
  return `tcp ${address ?? '*'} ${port} ${host ?? '*'}`;
}
