import type { TouchedByCanaries } from './canaries/canary-table.ts';
import type { GroupContext } from './group.ts';
import type { GroupTable } from './group-table.ts';
import type { Unit } from './unit.ts';

/** What happened to a unit: it came into force, or is in force no more. */
export interface UnitChange {
  readonly unit: Unit;
  readonly kind: 'comes' | 'goes';
}

/**
 * Why a group has to be compiled anew. Each rule names one reason and the groups that it concerns; together they
 * have to cover everything that a group's result depends on. A test takes each away and sees the compiler fail.
 */
export interface InvalidationRule {
  readonly name: 'joined' | 'left' | 'globals' | 'canaries';
  readonly groups: (event: InvalidationEvent) => Iterable<string>;
}

/** What the rules look at. */
export interface InvalidationEvent {
  /** Group that a unit has joined, or null. */
  readonly joined: string | null;
  /** Group that a unit has left, or null. */
  readonly left: string | null;
  /** True once an object changed on which all groups depend. */
  readonly globals: boolean;
  /** What Canaries or commands divide in another way than before; null = nothing. */
  readonly canaries: TouchedByCanaries | null;
  readonly table: GroupTable;
}

const nothing = { joined: null, left: null, globals: false, canaries: null };
const one = (key: string | null): string[] => (key === null ? [] : [key]);

/** All reasons. */
export const invalidationRules: readonly InvalidationRule[] = [
  { name: 'joined', groups: ({ joined }) => one(joined) },
  { name: 'left', groups: ({ left }) => one(left) },
  { name: 'globals', groups: ({ globals, table }) => (globals ? table.keys() : []) },
  { name: 'canaries', groups: ({ canaries, table }) => (canaries === null ? [] : table.using(canaries)) },
];

/** Applies changes to the groups and returns the keys of those that have to be compiled anew. */
export function affectedGroups(
  changes: readonly UnitChange[],
  globalsChanged: boolean,
  canaries: TouchedByCanaries | null,
  table: GroupTable,
  context: GroupContext,
  rules: readonly InvalidationRule[],
): Set<string> {
  const dirty = new Set<string>();
  const apply = (event: Omit<InvalidationEvent, 'table'>): void => {
    for (const rule of rules) for (const key of rule.groups({ ...event, table })) dirty.add(key);
  };
  for (const { unit, kind } of changes) {
    if (kind === 'goes') apply({ ...nothing, left: table.leave(unit) });
  }
  for (const { unit, kind } of changes) {
    if (kind === 'comes') apply({ ...nothing, joined: table.join(unit, context) });
  }
  if (globalsChanged || canaries !== null) apply({ ...nothing, globals: globalsChanged, canaries });
  return dirty;
}
