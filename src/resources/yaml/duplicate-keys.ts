import { isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Position } from '../../lib/position.ts';

/** A key that stands more than once in one map: where it stands again. */
export interface DuplicateKey {
  readonly key: string;
  readonly depth: number;
  readonly position: Position;
  readonly first: Position;
}

/** All keys of a document that stand twice, in the order of the text; `depth` 0 is the document's own map. */
export function duplicateKeys(text: string): DuplicateKey[] {
  const lineCounter = new LineCounter();
  const found: DuplicateKey[] = [];
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
  visit(document, {
    Map(_, map, ancestors) {
      const seen = new Map<string, number>();
      const depth = ancestors.filter((node) => isMap(node)).length;
      for (const { key } of map.items) {
        if (!isScalar(key) || !key.range || key.value === '<<') continue;
        const name = String(key.value);
        const before = seen.get(name);
        if (before !== undefined) {
          found.push({ key: name, depth, position: at(key.range[0]), first: at(before) });
        } else seen.set(name, key.range[0]);
      }
    },
  });
  return found;
}
