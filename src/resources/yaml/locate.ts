import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml';
import type { Position, ValuePath } from '../../lib/position.ts';
import { countLines } from '../../lib/text-lines.ts';

/** Finds where a value stands. Made for every document, and does nothing before it is asked. */
export interface Locator {
  /** Place of the key (or list item) at `path`; of the nearest outer one that exists. From the text's first line. */
  locate(path: ValuePath): Position;
}

/** A locator that also finds out how the lines of a text inside its document lie. */
export interface OuterLocator extends Locator {
  /** Place of the scalar at `path` and how its lines lie in the text; null if there is no scalar. */
  scalar(path: ValuePath): { at: Position; block: BlockLines | null } | null;
}

/** A locator for an object of a cluster, which has no text: only the lines of its annotations count, each from 1. */
export const objectLocator: OuterLocator = {
  locate: () => ({ line: 1, column: 1 }),
  scalar: () => ({ at: { line: 1, column: 1 }, block: { line: 1, indent: 0 } }),
};

/** A locator for one YAML document. */
export class DocumentLocator implements OuterLocator {
  readonly #text: string;
  #lines: LineCounter | null = null;
  #root: Node | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  locate(path: ValuePath): Position {
    if (path.length === 0) return this.#firstLine();
    const seen = this.#lines === null ? onlyLineOf(this.#text, path) : null;
    if (seen !== null) return seen;
    const found = this.#walk(path);
    return found === null ? this.#firstLine() : this.#position(found.keyAt);
  }

  scalar(path: ValuePath): { at: Position; block: BlockLines | null } | null {
    const seen = this.#lines === null ? onlyLineOf(this.#text, path) : null;
    const literal = seen === null ? null : literalAt(this.#text, seen);
    if (literal !== null) return literal;
    const node = this.#walk(path)?.value;
    if (!isScalar(node) || !node.range) return null;
    const [start, end] = node.range;
    const at = this.#position(start);
    if (node.type !== 'BLOCK_LITERAL') return { at, block: null };
    const header = this.#text.indexOf('\n', start);
    return {
      at,
      block: blockLines(this.#text.slice(header + 1, end), at.line + 1, this.#text.slice(start, header)),
    };
  }

  /** The document's beginning: the first line that is neither a mark nor a comment. */
  #firstLine(): Position {
    const at = /^(?:---[^\n]*\n|[ \t]*(?:#[^\n]*)?\n)*/.exec(this.#text)?.[0].length ?? 0;
    return { line: 1 + countLines(this.#text, 0, at), column: 1 };
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines!.linePos(offset);
    return { line, column: col };
  }

  #walk(path: ValuePath): { value: unknown; keyAt: number } | null {
    if (this.#lines === null) {
      this.#lines = new LineCounter();
      const options = {
        schema: 'failsafe',
        lineCounter: this.#lines,
        uniqueKeys: false,
        logLevel: 'silent',
      } as const;
      this.#root = parseDocument(this.#text, options).contents as Node | null;
    }
    let value: unknown = this.#root;
    let keyAt: number | null = null;
    for (const step of path) {
      const next: { value: unknown; keyAt: number } | null = child(value, step);
      if (next === null) break;
      ({ value, keyAt } = next);
    }
    return keyAt === null ? null : { value, keyAt };
  }
}

/**
 * The place of a key without parsing: where exactly one line of the text begins with it. For documents by the
 * thousand with a warning each. Lists and keys that stand twice are left to the parser.
 */
function onlyLineOf(text: string, path: ValuePath): Position | null {
  const key = path.at(-1);
  if (typeof key !== 'string' || path.some((step) => typeof step === 'number')) return null;
  let found: Position | null = null;
  for (let at = text.indexOf(key); at !== -1; at = text.indexOf(key, at + key.length)) {
    const start = text.lastIndexOf('\n', at) + 1;
    const isKey = text.startsWith(':', at + key.length) && /^ *$/.test(text.slice(start, at));
    if (!isKey) {
      // Also in quotes, in a flow map, or behind a dash: then only the parser can tell.
      if (/^["']?\s*:/.test(text.slice(at + key.length, at + key.length + 4))) return null;
      continue;
    }
    if (found !== null) return null;
    found = { line: countLines(text, 0, at) + 1, column: at - start + 1 };
  }
  return found;
}

/** A literal block scalar (`key: |`) whose key stands at a place, without parsing. */
function literalAt(text: string, key: Position): { at: Position; block: BlockLines } | null {
  const lines = text.split('\n');
  const header = /:[ \t]+(\|[-+0-9]*)[ \t]*(?:#.*)?$/.exec(lines[key.line - 1] ?? '');
  if (header === null) return null;
  const at = { line: key.line, column: header.index + header[0].indexOf('|') + 1 };
  return { at, block: blockLines(lines.slice(key.line).join('\n'), key.line + 1, header[1]!) };
}

function child(node: unknown, step: string | number): { value: unknown; keyAt: number } | null {
  if (isMap(node)) {
    const pair = node.items.findLast(
      (item: Pair) => isPair(item) && isScalar(item.key) && item.key.value === String(step),
    );
    if (pair === undefined || !isScalar(pair.key) || !pair.key.range) return null;
    return { value: pair.value, keyAt: pair.key.range[0] };
  }
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step] as Node | undefined;
    if (item === undefined || isAlias(item) || !item.range) return null;
    return { value: item, keyAt: item.range[0] };
  }
  return null;
}

/** Lines of a block scalar in the text around it. */
export interface BlockLines {
  /** Line of the text on which the scalar's first line stands. */
  readonly line: number;
  /** Blanks that the scalar's lines have in front. */
  readonly indent: number;
}

function blockLines(body: string, line: number, header: string): BlockLines {
  const first = body.split('\n').find((text) => text.trim() !== '') ?? '';
  const explicit = /^[|>][-+]?([1-9])/.exec(header);
  const indent = first.length - first.trimStart().length;
  // An indentation indicator means that the first line may be deeper than the block: the column is then a guess.
  return { line, indent: explicit ? Math.min(indent, Number(explicit[1])) : indent };
}

/** A locator for a document that is text inside a scalar of another one: an annotation. */
export class NestedLocator implements Locator {
  readonly #outer: OuterLocator;
  readonly #scalarPath: ValuePath;
  readonly #line: number;
  readonly #inner: DocumentLocator;

  /** `line`: the document's first line in the scalar's text, from 1. */
  constructor(outer: OuterLocator, scalarPath: ValuePath, line: number, text: string) {
    this.#outer = outer;
    this.#scalarPath = scalarPath;
    this.#line = line;
    this.#inner = new DocumentLocator(text);
  }

  locate(path: ValuePath): Position {
    return this.outward(this.#inner.locate(path));
  }

  /** The place in the outer document of a place in this one. One-line strings have one line for all. */
  outward(inner: Position): Position {
    const scalar = this.#outer.scalar(this.#scalarPath);
    if (scalar === null) return this.#outer.locate(this.#scalarPath);
    if (scalar.block === null) return scalar.at;
    return {
      line: scalar.block.line + this.#line + inner.line - 2,
      column: scalar.block.indent + inner.column,
    };
  }
}

/** A locator for what lies under `base` in another one: an item of a List. */
export class SubLocator implements Locator {
  readonly #outer: Locator;
  readonly #base: ValuePath;

  constructor(outer: Locator, base: ValuePath) {
    this.#outer = outer;
    this.#base = base;
  }

  locate(path: ValuePath): Position {
    return this.#outer.locate([...this.#base, ...path]);
  }
}
