import { plainLines } from '../lib/text-lines.ts';
import { recoverModuleText } from './ambassador/module-addresses.ts';
import type { Carrier } from './ambassador/shape.ts';
import { readBrokenDocument } from './broken-document.ts';
import type { ReadContext } from './context.ts';
import { describe, isMap } from './field-types.ts';
import { type Finding, finding, findingAt, isError } from './issue.ts';
import { readMeta } from './kubernetes/kinds.ts';
import { readObject } from './read-object.ts';
import type { ReadObject } from './resource.ts';
import { duplicateKeys } from './yaml/duplicate-keys.ts';
import { loadDocument } from './yaml/load.ts';
import {
  DocumentLocator,
  type Locator,
  NestedLocator,
  type OuterLocator,
  objectLocator,
  SubLocator,
} from './yaml/locate.ts';
import { splitDocuments } from './yaml/split-documents.ts';

/** Annotation that holds Ambassador's configuration. */
const annotation = 'getambassador.io/config';
const carrierKinds = ['Service', 'Ingress'];

/** The objects of one document, in the order of the text: those in annotations stand behind their carriers. */
export interface ReadDocument {
  readonly objects: readonly ReadObject[];
}

/** Reads one document of a file. Places are relative to its first line. Never throws for what a user wrote. */
export function readDocument(text: string, context: ReadContext): ReadDocument {
  const locator = new DocumentLocator(text);
  const loaded = loadDocument(text);
  if (loaded.kind === 'broken') return { objects: [readBrokenDocument(text, loaded, null, locator, null)] };
  const objects: ReadObject[] = [];
  const findings = loaded.duplicates ? duplicateFindings(text) : [];
  readValue(loaded.value, [], { locator, context, objects });
  if (findings.length > 0) addFindings(objects, findings, locator, text);
  return { objects };
}

/**
 * Reads one object of a cluster, and what its annotation holds. Places are lines of the annotation, else 1:1. Never
 * throws for what a user wrote.
 */
export function readClusterObject(
  object: Readonly<Record<string, unknown>>,
  context: ReadContext,
): ReadDocument {
  const objects: ReadObject[] = [];
  readValue(object, [], { locator: objectLocator, context, objects });
  return { objects };
}

interface Walk {
  readonly locator: OuterLocator;
  readonly context: ReadContext;
  readonly objects: ReadObject[];
}

function readValue(value: unknown, base: readonly (string | number)[], walk: Walk): void {
  if (value === null || value === undefined) return;
  const locator = base.length === 0 ? walk.locator : new SubLocator(walk.locator, base);
  if (!isMap(value)) {
    walk.objects.push(nothing(locator, [finding('not-an-object', [], { found: describe(value) })]));
    return;
  }
  const { kind } = value;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(value.items)) {
    value.items.forEach((item, index) => {
      readValue(item, [...base, 'items', index], walk);
    });
    return;
  }
  const object = readObject(value, null, locator, walk.context);
  if (object !== null) walk.objects.push(object);
  else if (kind === 'Ingress') walk.objects.push(carrierOf(value, locator));
  else if (kind === undefined) walk.objects.push(nothing(locator, [finding('not-a-manifest', [])]));
  readAnnotation(value, base, locator, walk);
}

/** An Ingress says nothing itself yet; its name is what its annotation is found again by. */
function carrierOf(value: Record<string, unknown>, locator: Locator): ReadObject {
  const { name, namespace } = readMeta(value);
  // Of others' classes nothing is expected here.
  const spec = isMap(value.spec) ? value.spec : {};
  const found =
    spec.ingressClassName === 'serin' ? [finding('ingress-rules', ['spec', 'ingressClassName'])] : [];
  const label = name === '' ? null : `Ingress ${name}.${namespace}`;
  return { ...nothing(locator, found, label), identity: name === '' ? null : `Ingress/${namespace}/${name}` };
}

function readAnnotation(
  object: Record<string, unknown>,
  base: readonly (string | number)[],
  locator: Locator,
  walk: Walk,
): void {
  const metadata = isMap(object.metadata) ? object.metadata : {};
  const annotations = isMap(metadata.annotations) ? metadata.annotations : {};
  const value = annotations[annotation];
  if (value === undefined || value === null) return;
  const kind = String(object.kind);
  const path = ['metadata', 'annotations', annotation];
  const meta = readMeta(object);
  if (!carrierKinds.includes(kind)) {
    walk.objects.push(
      nothing(
        locator,
        [finding('annotation-ignored', path, { kind })],
        `${kind} ${meta.name}.${meta.namespace}`,
      ),
    );
    return;
  }
  const carrier: Carrier = { kind, name: meta.name, namespace: meta.namespace, labels: meta.labels };
  const label = `${kind} ${carrier.name}.${carrier.namespace}`;
  if (typeof value !== 'string') {
    walk.objects.push(
      nothing(locator, [finding('annotation-not-text', path, { found: describe(value) })], label, true),
    );
    return;
  }
  for (const piece of splitDocuments(plainLines(value))) {
    const inner = new NestedLocator(walk.locator, [...base, ...path], piece.line, piece.text);
    readAnnotationDocument(piece.text, carrier, inner, walk);
  }
}

function readAnnotationDocument(text: string, carrier: Carrier, locator: NestedLocator, walk: Walk): void {
  const loaded = loadDocument(text);
  if (loaded.kind === 'broken') {
    walk.objects.push(readBrokenDocument(text, loaded, carrier, locator, (at) => locator.outward(at)));
    return;
  }
  if (loaded.value === null || loaded.value === undefined) return;
  if (!isMap(loaded.value)) {
    const found = [finding('not-an-object', [], { found: describe(loaded.value) })];
    walk.objects.push(nothing(locator, found, `${carrier.kind} ${carrier.name}.${carrier.namespace}`, true));
    return;
  }
  const items = loaded.value.kind === 'List' && Array.isArray(loaded.value.items) ? loaded.value.items : null;
  const before = walk.objects.length;
  if (items === null) pushObject(readObject(loaded.value, carrier, locator, walk.context), walk);
  else {
    items.forEach((item, index) => {
      if (isMap(item))
        pushObject(readObject(item, carrier, new SubLocator(locator, ['items', index]), walk.context), walk);
    });
  }
  if (!loaded.duplicates) return;
  const findings = duplicateFindings(text).map((found) => ({
    ...found,
    position: locator.outward(found.position!),
  }));
  const own = walk.objects.splice(before);
  addFindings(own, findings, locator, text);
  walk.objects.push(...own);
}

function pushObject(object: ReadObject | null, walk: Walk): void {
  if (object !== null) walk.objects.push(object);
}

/** Keys that stand twice: a warning each; for apiVersion or kind it means that two objects have run together. */
function duplicateFindings(text: string): Finding[] {
  const found = duplicateKeys(text);
  const together = found.find(({ key, depth }) => depth === 0 && (key === 'apiVersion' || key === 'kind'));
  if (together !== undefined) {
    return [
      findingAt('missing-separator', together.position, { key: together.key, first: together.first.line }),
    ];
  }
  return found.map(({ key, position }) => findingAt('duplicate-key', position, { key }));
}

function addFindings(
  objects: ReadObject[],
  findings: readonly Finding[],
  locator: Locator,
  text: string,
): void {
  const object = objects[0] ?? nothing(locator, []);
  const broken = findings.some(isError);
  objects[0] = { ...object, findings: [...object.findings, ...findings] };
  if (!broken) return;
  // Two objects in one: what was read is a mixture of both, so none of it can be believed.
  objects.length = 1;
  const recovered = recoverModuleText(text, null);
  objects[0] = { ...objects[0], resource: null, broken: true, recovered, findings };
}

function nothing(
  locator: Locator,
  findings: readonly Finding[],
  label: string | null = null,
  broken = false,
): ReadObject {
  return {
    identity: null,
    label,
    resource: null,
    broken,
    recovered: null,
    findings,
    locator,
    skipped: false,
  };
}
