import { type Finding, finding, helpOf, type Issue, messageOf } from '../resources/issue.ts';
import { issueTable } from '../resources/issue-table.ts';
import type { FileState } from './file-state.ts';
import type { UnitFinding } from './group.ts';
import type { NameTable } from './name-table.ts';
import { type NotServedContext, notServedFindings } from './not-served.ts';
import { isKept, type Unit } from './unit.ts';

/** A file that cannot be read now, and why. */
export type UnreadableFiles = ReadonlyMap<string, string>;

/** What the issues of global objects depend on beside them. */
export interface IssueContext extends Pick<NotServedContext, 'tcpPorts'> {
  /** --unguarded. */
  readonly unguarded: boolean;
  /** --listen is given, so that no Listener's port of HTTP is opened. */
  readonly replacesPorts: boolean;
}

/** Everything that there is to say, by file and line. */
export function makeIssues(
  files: Iterable<FileState>,
  names: NameTable,
  found: Iterable<UnitFinding>,
  unreadable: UnreadableFiles,
  globals: Iterable<Unit>,
  { tcpPorts, unguarded, replacesPorts }: IssueContext,
): Issue[] {
  const issues: Issue[] = [];
  const heads = [...globals];
  const has = (kind: string): boolean => heads.some(({ object }) => object.resource?.kind === kind);
  const context = { hasHosts: has('Host'), tcpPorts, usesListeners: has('Listener') && !replacesPorts };
  for (const unit of heads) issues.push(...globalIssues(unit, context, unguarded));
  for (const [file, reason] of unreadable) {
    issues.push(fileIssue(file, finding('unreadable-file', [], { reason }), true));
  }
  for (const { path, empty, telling } of files) {
    if (empty) issues.push(fileIssue(path, finding('empty-file', [], { file: path }), false));
    for (const unit of telling) {
      for (const item of unit.report.findings) issues.push(unitIssue(unit, item, isKept(unit)));
    }
  }
  for (const { unit, finding: item, kept } of found) issues.push(unitIssue(unit, item, kept));
  for (const units of names.duplicates()) issues.push(...duplicateIssues(units));
  return issues.sort(compareIssues);
}

/** What is not served is told once, where it stands. */
function globalIssues(unit: Unit, context: NotServedContext, unguarded: boolean): Issue[] {
  const { resource, recovered } = unit.object;
  const code = unguarded ? 'guard-off' : 'guard-not-served';
  const found = notServedFindings(resource, context);
  if (resource?.kind === 'Guard') found.push(finding(code, [], { kind: resource.guardKind }));
  if (recovered?.kind === 'AddressRules') found.push(finding('address-rules-broken', []));
  return found.map((item) => unitIssue(unit, item, false));
}

function duplicateIssues(units: readonly Unit[]): Issue[] {
  const winner = units.at(-1)!;
  const other = units.at(-2)!;
  const { resource } = winner.object;
  const isMapping = resource?.kind === 'Mapping' || resource?.kind === 'TCPMapping';
  const [kind, , name] = (winner.object.identity ?? '').split('/');
  const place = `${other.file}:${lineOf(other)}`;
  const code = isMapping ? 'duplicate-name' : 'duplicate-object';
  return [unitIssue(winner, finding(code, [], { kind: kind ?? '', name: name ?? '', other: place }), false)];
}

function lineOf(unit: Unit): number {
  return unit.line + unit.report.locator.locate([]).line - 1;
}

function fileIssue(file: string, item: Finding, kept: boolean): Issue {
  const { severity } = issueTable[item.code];
  const base = { severity, code: item.code, file, line: 1, column: 1, object: null };
  return { ...base, message: messageOf(item), help: helpOf(item), kept };
}

/** Issues as they were last made: of ten thousand warnings a change touches one, and the others are not written anew. */
const made = new WeakMap<Finding, { unit: Unit; line: number; issue: Issue }>();

function unitIssue(unit: Unit, item: Finding, kept: boolean): Issue {
  const known = made.get(item);
  if (known?.unit === unit && known.line === unit.line && known.issue.kept === kept) return known.issue;
  const issue = makeUnitIssue(unit, item, kept);
  made.set(item, { unit, line: unit.line, issue });
  return issue;
}

function makeUnitIssue(unit: Unit, item: Finding, kept: boolean): Issue {
  const { report } = unit;
  const { line, column } = item.position ?? report.locator.locate(item.path);
  const label = report.label;
  const message = messageOf(item) + (kept ? '; its last good state goes on being served' : '');
  return {
    severity: issueTable[item.code].severity,
    code: item.code,
    file: unit.file,
    line: unit.line + line - 1,
    column,
    object: label,
    message: label === null ? message : `${label}: ${message}`,
    help: helpOf(item),
    kept,
  };
}

function compareIssues(a: Issue, b: Issue): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0);
}
