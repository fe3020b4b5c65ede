import type { HeaderEdits } from '../model/backend.ts';
import { decodePlain, encodePlain } from '../protocol/hpack/plain.ts';

/**
 * A plain block with fields removed and added as the configuration says: removal first, so that removing and
 * adding the same name replaces it (Envoy's order). An addition without `append` replaces the field too.
 */
export function editHead(edits: HeaderEdits, block: Buffer, start: number, end: number): Buffer {
  const gone = new Set(edits.remove);
  for (const { name, append } of edits.add) if (!append) gone.add(name);
  const fields: { name: string; value: string; neverIndexed: boolean }[] = decodePlain(
    block,
    start,
    end,
  ).filter((field) => !gone.has(field.name));
  for (const { name, value } of edits.add) fields.push({ name, value, neverIndexed: false });
  return encodePlain(fields);
}
