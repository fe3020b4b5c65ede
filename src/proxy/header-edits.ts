import type { HeaderEdits } from '../model/backend.ts';
import { decodePlain, encodePlain, type PlainField } from '../protocol/hpack/plain.ts';
import { decodeLines, encodeLines } from '../protocol/http1/lines.ts';
import type { AnswerHead } from './sides.ts';

/**
 * A plain block, or lines, with fields removed and added as the configuration says: removal first, so that removing and
 * adding the same name replaces it (Envoy's order). An addition without `append` replaces the field too.
 */
export function editHead(
  edits: HeaderEdits,
  bytes: Buffer,
  start: number,
  end: number,
  lines: boolean,
): Buffer {
  const gone = new Set(edits.remove);
  for (const { name, append } of edits.add) if (!append) gone.add(name);
  const before: PlainField[] = lines ? decodeLines(bytes, start, end) : decodePlain(bytes, start, end);
  const fields = before.filter((field) => !gone.has(field.name));
  for (const { name, value } of edits.add) fields.push({ name, value, neverIndexed: false });
  return lines ? encodeLines(fields) : encodePlain(fields);
}

/** Both, one after the other; null = nothing. */
export function joinEdits(a: HeaderEdits | null, b: HeaderEdits | null): HeaderEdits | null {
  if (a === null || b === null) return a ?? b;
  return { remove: [...a.remove, ...b.remove], add: [...a.add, ...b.add] };
}

/** An answer's head with the same done to it. */
export function editAnswer(edits: HeaderEdits, head: AnswerHead): AnswerHead {
  const { status, lines, contentLength } = head;
  const bytes = editHead(edits, head.bytes, 0, head.length, lines);
  return { status, lines, bytes, length: bytes.length, contentLength };
}
