import { tokenList } from './framing.ts';

/** Options of Connection that are no field names to be removed, or whose field never goes on anyway. */
const understood: ReadonlySet<string> = new Set([
  'close',
  'keep-alive',
  'upgrade',
  'te',
  'transfer-encoding',
]);

/**
 * The options of a Connection line in lower case (RFC 9110 7.6.1), or what is wrong with it. What cannot be read is
 * refused: nobody could tell which fields are for this hop only. So is one that names Host or Content-Length, which a
 * hop in front may have believed and removed. Transfer-Encoding may be named (widespread servers do): it is about this
 * hop, and has been understood.
 */
export function readConnection(value: string): ReadonlySet<string> | string {
  const options = tokenList(value.toLowerCase(), false);
  if (options === null) return 'Connection is not a list of tokens';
  const set = new Set(options);
  if (set.has('host') || set.has('content-length')) return 'Connection names a field that is not for one hop';
  return set;
}

/** Adds the fields that `options` names for removal to `before`. */
export function nominations(options: ReadonlySet<string>, before: Set<string> | null): Set<string> | null {
  let names = before;
  for (const option of options) {
    if (understood.has(option)) continue;
    names ??= new Set();
    names.add(option);
  }
  return names;
}
