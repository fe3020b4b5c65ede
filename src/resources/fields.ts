import { editDistance, nearest } from '../lib/edit-distance.ts';
import type { ValuePath } from '../lib/position.ts';
import { type FieldType, fieldTypes } from './field-types.ts';
import { type Finding, finding } from './issue.ts';
import { templateIn } from './templates.ts';

/** Versions of Ambassador's API, by number: v0, v1, v2 and v3alpha1. */
export type ApiVersion = 0 | 1 | 2 | 3;

/** How a version is written. */
export function versionName(version: ApiVersion): string {
  return version === 3 ? 'v3alpha1' : `v${version}`;
}

/** One field of a kind. */
export interface FieldRow {
  /** Type for each version, or one for all. */
  readonly type: FieldType | readonly [FieldType, FieldType, FieldType, FieldType];
  /** First version that has it; older ones get a warning and are obeyed. Default 0. */
  readonly since?: ApiVersion;
  /** Versions that do not know it: there it is an unknown field. */
  readonly notIn?: readonly ApiVersion[];
  /** `no`: known and without effect, a warning. `quiet`: without effect and nothing to warn of. */
  readonly served?: 'yes' | 'no' | 'quiet';
  /** Must be there and not be empty; the text is an example for the remedy. */
  readonly required?: string;
  /** Another spelling that counts as this field. */
  readonly aliasOf?: string;
}

/** The fields of one kind. */
export type FieldTable = Readonly<Record<string, FieldRow>>;

/** Fields that were read: values of the right type (null and absent are left out), and what was found. */
export interface ReadFields {
  readonly values: Readonly<Record<string, unknown>>;
  readonly findings: Finding[];
}

/** What a table's reader has to know beside the table. */
export interface FieldContext {
  readonly kind: string;
  readonly version: ApiVersion;
  /** Fields whose misspelling would change who gets traffic: near them an unknown field is an error. */
  readonly guarded?: readonly string[];
  /** Where a field stands in its document. */
  readonly pathOf: (field: string) => ValuePath;
}

/** Checks the fields of an object against the table of its kind. An error never hides another. */
export function readFields(
  spec: Readonly<Record<string, unknown>>,
  table: FieldTable,
  context: FieldContext,
): ReadFields {
  const values: Record<string, unknown> = {};
  const findings: Finding[] = [];
  for (const key in spec) {
    const value = spec[key];
    const row = Object.hasOwn(table, key) ? table[key] : undefined;
    const path = context.pathOf(key);
    if (row === undefined || row.notIn?.includes(context.version)) {
      findings.push(unknownField(key, table, context));
      continue;
    }
    if (value === null || value === undefined) continue;
    if (row.since !== undefined && context.version < row.since && row.since < 3) {
      const values = { field: key, since: row.since, version: versionName(context.version) };
      findings.push(finding('newer-field', path, values));
    }
    const type = typeof row.type === 'string' ? row.type : row.type[context.version];
    const problem = fieldTypes[type](value, key);
    if (problem !== null) {
      const template = templateIn(value);
      findings.push(
        template === null
          ? finding('wrong-type', problem.key === undefined ? path : [...path, problem.key], problem.values)
          : finding('unrendered-template', path, { field: key, template }),
      );
      continue;
    }
    if (row.served === 'no' && !isSwitchedOff(value))
      findings.push(finding('field-not-served', path, { field: key }));
    values[row.aliasOf ?? key] = value;
  }
  for (const key in table) {
    const row = table[key]!;
    if (row.required === undefined || (spec[key] !== undefined && spec[key] !== null && spec[key] !== ''))
      continue;
    const at = key in spec ? context.pathOf(key) : [];
    findings.push(finding('missing-field', at, { field: key, example: row.required }));
  }
  return { values, findings };
}

function isSwitchedOff(value: unknown): boolean {
  return value === false || (Array.isArray(value) && value.length === 0);
}

function unknownField(key: string, table: FieldTable, context: FieldContext): Finding {
  const path = context.pathOf(key);
  const { version, kind } = context;
  for (const guarded of context.guarded ?? []) {
    if (editDistance(key, guarded, 2) <= 2 && !Object.hasOwn(table, key)) {
      return finding('unknown-weight-field', path, { field: key, nearest: guarded, kind });
    }
  }
  const known = Object.keys(table).filter((name) => !table[name]!.notIn?.includes(version));
  const near = (key === 'hostname' && known.includes('host') && 'host') || nearest(key, known);
  const remedy =
    near === null ? 'remove it, or see the list of fields in the documentation' : `did you mean ${near}?`;
  return finding('unknown-field', path, { field: key, kind, version: versionName(version), remedy });
}
