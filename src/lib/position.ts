/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The way from a document's root to a value: keys of maps and indices of lists. */
export type ValuePath = readonly (string | number)[];
