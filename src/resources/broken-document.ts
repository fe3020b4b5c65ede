import { LineCounter, parseDocument } from 'yaml';
import type { Position } from '../lib/position.ts';
import { guardKinds } from './ambassador/kinds.ts';
import { recoverModuleText } from './ambassador/module-addresses.ts';
import { recoverMapping, recoverTcpMapping } from './ambassador/recover-mapping.ts';
import { type Carrier, shapeObject } from './ambassador/shape.ts';
import { apiVersionOf } from './api-version.ts';
import { isMap } from './field-types.ts';
import { type Finding, findingAt } from './issue.ts';
import type { ReadObject, Recovered } from './resource.ts';
import { templateIn } from './templates.ts';
import type { Locator } from './yaml/locate.ts';

/** Where and why a document could not be read; from its first line. */
interface Fault extends Position {
  readonly reason: string;
}

/**
 * Makes an object of a document that is not YAML: its name and group are read from its lines as well as that
 * goes, so that messages can name it, its last good state is found again, and its share is not given away.
 */
export function readBrokenDocument(
  text: string,
  fault: Fault,
  carrier: Carrier | null,
  locator: Locator,
  outward: ((at: Position) => Position) | null,
): ReadObject {
  const fields = recoverFields(text);
  const version = apiVersionOf(fields.apiVersion, carrier !== null);
  const shaped = shapeObject(fields, version.kind === 'known' ? version.version : 2, carrier);
  const { name, namespace } = shaped.meta;
  const kind = typeof fields.kind === 'string' ? fields.kind : null;
  const found = describeFault(text, fault, outward ?? ((at) => at));
  let recovered: Recovered | null = null;
  if (version.kind === 'known' && kind === 'Mapping') recovered = recoverMapping(shaped);
  else if (version.kind === 'known' && kind === 'TCPMapping') recovered = recoverTcpMapping(shaped);
  else if (version.kind === 'known' && kind !== null && guardKinds.includes(kind))
    recovered = { kind: 'Guard', guardKind: kind };
  else recovered = recoverModuleText(text, kind);
  // A List has no name of its own: what was read is that of an item.
  const named = name !== '' && kind !== null && !kind.endsWith('List');
  const fallback = carrier === null ? null : `${carrier.kind} ${carrier.name}.${carrier.namespace}`;
  return {
    identity: named ? `${kind}/${namespace}/${name}` : null,
    label: named ? `${kind} ${name}.${namespace}` : fallback,
    resource: null,
    broken: true,
    recovered,
    findings: [found],
    locator,
    skipped: false,
  };
}

function describeFault(text: string, fault: Fault, outward: (at: Position) => Position): Finding {
  const lines = text.split('\n');
  const { line: at, column } = faultPlace(text, lines, fault);
  // js-yaml notices some faults a line late, and a template before it ends.
  for (const index of [at - 1, at - 2]) {
    const line = lines[index];
    if (line === undefined) continue;
    const tab = /^ *\t/.exec(line);
    if (tab !== null) return findingAt('yaml-tab', outward({ line: index + 1, column: tab[0].length }));
    const template = templateIn(line);
    if (template !== null) {
      const place = outward({ line: index + 1, column: line.indexOf(template) + 1 });
      return findingAt('unrendered-document', place, { template });
    }
  }
  return findingAt('yaml-syntax', outward({ line: at, column }), { reason: fault.reason });
}

/**
 * The place of the fault. js-yaml tells of what is not closed only where it stops reading; the other parser knows
 * better then, and an open quote or bracket is looked for by hand.
 */
function faultPlace(text: string, lines: readonly string[], fault: Fault): Position {
  const quote = /within a (double|single) quoted/.exec(fault.reason)?.[1];
  if (quote !== undefined) {
    const mark = quote === 'double' ? '"' : "'";
    const open = lines.findIndex((line) => line.split(mark).length % 2 === 0);
    if (open !== -1) return { line: open + 1, column: lines[open]!.lastIndexOf(mark) + 1 };
  }
  const late = /unexpected end|can not read|missed comma/.test(fault.reason);
  if (!late) return fault;
  const lineCounter = new LineCounter();
  const { errors } = parseDocument(text, { lineCounter, uniqueKeys: false, logLevel: 'silent' });
  const other = errors[0]?.linePos?.[0];
  if (other !== undefined && other.line < fault.line) return { line: other.line, column: other.col };
  const last = Math.min(fault.line, lines.findLastIndex((line) => line.trim() !== '') + 1);
  if (fault.reason.startsWith('can not')) return { line: last, column: 1 };
  for (let line = last; line > 0; line--) {
    const column = (lines[line - 1] ?? '').search(/[[{]/);
    if (column !== -1) return { line, column: column + 1 };
  }
  return { line: last, column: 1 };
}

/** Fields as the forgiving parser gives them, else as the lines look. */
function recoverFields(text: string): Record<string, unknown> {
  const byLines = fieldsByLines(text);
  try {
    const value: unknown = parseDocument(text, {
      schema: 'core',
      uniqueKeys: false,
      logLevel: 'silent',
    }).toJS({ maxAliasCount: 100 });
    if (isMap(value)) return { ...byLines, ...withoutOddities(value) };
  } catch {
    // Then the lines have to do.
  }
  return byLines;
}

function withoutOddities(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null && item !== undefined));
}

const simpleField =
  /^[ \t]*(apiVersion|kind|name|namespace|prefix|prefix_regex|prefix_exact|host|hostname|method|precedence|weight|address|port):[ \t]+(["']?)([^#\n]*?)\2[ \t]*(?:#.*)?$/gm;

function fieldsByLines(text: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [, key, , value] of text.matchAll(simpleField)) {
    if (key === undefined || value === undefined || key in fields) continue;
    fields[key] = /^(true|yes|on)$/i.test(value) ? true : key === 'precedence' ? Number(value) : value;
  }
  return fields;
}
