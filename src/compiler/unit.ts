import type { ReadObject, Resource } from '../resources/resource.ts';

/**
 * An object in its file. The same unit stays while its document's text does; only its place moves.
 * Where the document has become broken, `object` is the last good one and `report` the broken one.
 */
export interface Unit {
  readonly file: string;
  /** Line of the document's first line in the file. */
  line: number;
  /** Number of the object in the file. */
  order: number;
  /** What is served. */
  readonly object: ReadObject;
  /** What messages are about and where their places are looked up. */
  readonly report: ReadObject;
  /** True if the findings of `report` are told by another unit. */
  readonly silent: boolean;
}

/** True if a broken document's last good state stands in its place. */
export function isKept(unit: Unit): boolean {
  return unit.object !== unit.report;
}

/** The unit's resource if it is of that kind. */
export function resourceOf<K extends Resource['kind']>(
  unit: Unit,
  kind: K,
): Extract<Resource, { kind: K }> | null {
  const { resource } = unit.object;
  return resource?.kind === kind ? (resource as Extract<Resource, { kind: K }>) : null;
}

/** Order of units: by file, then by place. */
export function compareUnits(a: Unit, b: Unit): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.order - b.order;
}
