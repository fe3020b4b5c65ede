import { compareUnits, type Unit } from './unit.ts';

/** Objects by `Kind/namespace/name`. Of several with one name the last by file and place counts. */
export class NameTable {
  readonly #units = new Map<string, Set<Unit>>();
  readonly #shared = new Set<string>();
  readonly #winners = new Map<string, Unit>();

  /** Adds or removes a unit. {@link settle} has to follow. */
  change(unit: Unit, add: boolean): void {
    const { identity } = unit.object;
    if (identity === null || unit.object.resource === null) return;
    const units = this.#units.get(identity) ?? new Set<Unit>();
    if (add) units.add(unit);
    else units.delete(unit);
    if (units.size > 0) this.#units.set(identity, units);
    else this.#units.delete(identity);
    if (units.size > 1) this.#shared.add(identity);
    else this.#shared.delete(identity);
  }

  /** Finds the winner of a name anew. Returns the units that lost and gained it, or null if nothing changed. */
  settle(identity: string): { lost: Unit | null; gained: Unit | null } | null {
    let winner: Unit | null = null;
    for (const unit of this.#units.get(identity) ?? []) {
      if (winner === null || compareUnits(winner, unit) < 0) winner = unit;
    }
    const before = this.#winners.get(identity) ?? null;
    if (before === winner) return null;
    if (winner === null) this.#winners.delete(identity);
    else this.#winners.set(identity, winner);
    return { lost: before, gained: winner };
  }

  /** The unit that a name means, or null. */
  winner(identity: string): Unit | null {
    return this.#winners.get(identity) ?? null;
  }

  /** Names that several objects have, with these objects in order; the last one is the winner. */
  *duplicates(): Generator<readonly Unit[]> {
    for (const identity of this.#shared) yield [...(this.#units.get(identity) ?? [])].sort(compareUnits);
  }
}
