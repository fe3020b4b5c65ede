import { plainLines } from '../lib/text-lines.ts';
import type { ReadContext } from '../resources/context.ts';
import { type ReadDocument, readClusterObject, readDocument } from '../resources/read-document.ts';
import type { ReadObject } from '../resources/resource.ts';
import { splitDocuments } from '../resources/yaml/split-documents.ts';
import { neighbourOf } from './neighbour.ts';
import type { Unit } from './unit.ts';

/** One document of a file with its units. */
export interface DocumentState {
  readonly text: string;
  readonly document: ReadDocument;
  /** Identity of its first object, or null. */
  readonly identity: string | null;
  readonly units: readonly Unit[];
}

/** A file, or an object of a cluster, as it was last read. */
export interface FileState {
  readonly path: string;
  /** True for a file with nothing in it. */
  readonly empty: boolean;
  readonly documents: readonly DocumentState[];
  /** Units that have something to say. */
  readonly telling: readonly Unit[];
  readonly counts: FileCounts;
}

/** What a file has. */
export interface FileCounts {
  readonly documents: number;
  /** Mappings and TCPMappings that are served, or would be if their group let them. */
  readonly mappings: number;
  /** Objects for gateways with another ambassador_id. */
  readonly skipped: number;
}

/**
 * Reads a file anew. Documents whose text is unchanged are taken from `before`, with their units; a broken
 * document takes over the last good state of the one that it was before.
 */
export function readFileState(
  path: string,
  text: string,
  before: FileState | null,
  context: ReadContext,
): FileState {
  const known = new Map(before?.documents.map((document) => [document.text, document]));
  const pieces = splitDocuments(plainLines(text));
  const read = pieces.map((piece) => {
    const old = known.get(piece.text);
    known.delete(piece.text);
    return { piece, old, document: old?.document ?? readDocument(piece.text, context) };
  });
  const present = new Set<string>();
  for (const { document } of read)
    for (const object of document.objects) if (object.identity) present.add(object.identity);
  const identities = read.map(({ document }) => document.objects[0]?.identity ?? null);
  const olds = before?.documents.map((document) => document.identity) ?? [];
  let order = 0;
  const documents = read.map(({ piece, old, document }, index): DocumentState => {
    let units = old?.units;
    if (units === undefined) {
      const at = neighbourOf(identities, index, olds);
      units = makeUnits(path, document, at === null ? null : before!.documents[at]!, present);
    }
    for (const unit of units) {
      unit.line = piece.line;
      unit.order = order++;
    }
    return { text: piece.text, document, identity: identities[index]!, units };
  });
  return finish(path, text.length < 1000 && text.trim() === '', documents);
}

/** Reads an object of a cluster anew; what is broken in it keeps its last good state, as in a file. */
export function readObjectState(
  path: string,
  object: Readonly<Record<string, unknown>>,
  before: FileState | null,
  context: ReadContext,
): FileState {
  const document = readClusterObject(object, context);
  const present = new Set<string>();
  for (const { identity } of document.objects) if (identity !== null) present.add(identity);
  const units = makeUnits(path, document, before?.documents[0] ?? null, present);
  let order = 0;
  for (const unit of units) unit.order = order++;
  const identity = document.objects[0]?.identity ?? null;
  return finish(path, false, [{ text: '', document, identity, units }]);
}

function finish(path: string, empty: boolean, documents: readonly DocumentState[]): FileState {
  const units = documents.flatMap((document) => document.units);
  const telling = units.filter((unit) => !unit.silent && unit.report.findings.length > 0);
  return { path, empty, documents, telling, counts: countUnits(documents.length, units) };
}

function countUnits(documents: number, units: readonly Unit[]): FileCounts {
  const mappings = units.filter(({ object: { resource } }) => {
    return resource?.kind === 'Mapping' || resource?.kind === 'TCPMapping';
  }).length;
  return { documents, mappings, skipped: units.filter(({ object }) => object.skipped).length };
}

/** Units of a document; what is broken in it is replaced by what the document `before` had in that place. */
function makeUnits(
  file: string,
  document: ReadDocument,
  before: DocumentState | null,
  present: ReadonlySet<string>,
): Unit[] {
  const { objects } = document;
  const unit = (object: ReadObject, report: ReadObject = object, silent = false): Unit => {
    return { file, line: 1, order: 0, object, report, silent };
  };
  if (before === null) return objects.map((object) => unit(object));
  const good = before.units.map(({ object }) => object);
  const [only] = objects;
  if (only !== undefined && objects.length === 1 && only.broken && isWhole(only, good)) {
    // The whole document is unreadable: everything that it held stays, but for what now stands elsewhere.
    const kept = good.filter(
      (old) => old.resource !== null && (old.identity === only.identity || !present.has(old.identity ?? '')),
    );
    return kept.length === 0 ? [unit(only)] : kept.map((old, index) => unit(old, only, index > 0));
  }
  const identities = objects.map(({ identity }) => identity);
  const olds = good.map(({ identity }) => identity);
  return objects.map((object, index) => {
    if (!object.broken) return unit(object);
    const at = neighbourOf(identities, index, olds);
    const old = at === null ? null : good[at]!;
    const usable =
      old !== null &&
      old.resource !== null &&
      (old.identity === object.identity || !present.has(old.identity ?? ''));
    return usable ? unit(old, object) : unit(object);
  });
}

/** True if a broken object stands for all that its document held, not for one object of an annotation or List. */
function isWhole(only: ReadObject, good: readonly ReadObject[]): boolean {
  return good.length !== 1 || only.identity === null || good[0]?.identity === only.identity;
}
