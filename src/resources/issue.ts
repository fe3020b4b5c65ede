import type { Position, ValuePath } from '../lib/position.ts';
import { type IssueCode, issueTable } from './issue-table.ts';

/** A mistake of the user or a limit of the gateway, with its place and a remedy. */
export interface Issue {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly file: string;
  /** From 1, in the file, also for what stands inside an annotation. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** `Mapping grpc-server-mapping.default`; null where no object can be named. */
  readonly object: string | null;
  readonly message: string;
  /** What to do next. */
  readonly help: string | null;
  /** True if the last good state goes on being served. */
  readonly kept: boolean;
}

/** What is put in the place of `{name}` in a message of the table. */
export type FindingValues = Readonly<Record<string, string | number>>;

/** An issue whose place is still relative to its document: found while reading or compiling an object. */
export interface Finding {
  readonly code: IssueCode;
  readonly values: FindingValues;
  /** The field that it is about; [] = the object. */
  readonly path: ValuePath;
  /** Set where the place is known already, relative to the outer document. */
  readonly position: Position | null;
}

/** Makes a finding about a field. */
export function finding(code: IssueCode, path: ValuePath, values: FindingValues = {}): Finding {
  return { code, values, path, position: null };
}

/** Makes a finding at a known place. */
export function findingAt(code: IssueCode, position: Position, values: FindingValues = {}): Finding {
  return { code, values, path: [], position };
}

/** True if a finding is an error: its object is left out. */
export function isError(found: Finding): boolean {
  return issueTable[found.code].severity === 'error';
}

/** The sentence of a finding. */
export function messageOf(found: Finding): string {
  return fill(issueTable[found.code].message, found.values);
}

/** The remedy of a finding, or null. */
export function helpOf(found: Finding): string | null {
  const { help } = issueTable[found.code];
  return help === null ? null : fill(help, found.values);
}

function fill(template: string, values: FindingValues): string {
  return template.replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole));
}
