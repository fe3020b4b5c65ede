import type { HeaderEdits } from '../../model/backend.ts';
import type { Compression, ContentCoding } from '../../model/http-settings.ts';
import type { PlainField } from '../../protocol/hpack/plain.ts';
import { fieldValue } from '../request-head.ts';

/** What becomes of an answer. */
export interface CompressionPlan {
  /** Null = its body stays as it is. */
  readonly coding: ContentCoding | null;
  readonly edits: HeaderEdits;
}

/**
 * What becomes of an answer by its head; null = it is none that would ever be compressed (RFC 9110 8.4, 12.5.5, 15.3.7,
 * RFC 9111 5.2.2.6).
 * @param coding what the client wants; null = nothing.
 * @param length of the body in bytes; -1 = not known.
 */
export function decideCompression(
  status: number,
  fields: readonly PlainField[],
  coding: ContentCoding | null,
  length: number,
  compression: Compression,
): CompressionPlan | null {
  if (status === 204 || status === 205 || status === 206 || status === 304) return null;
  const value = (name: string): string | undefined => fieldValue(fields, name);
  if (value('content-encoding') !== undefined || value('content-range') !== undefined) return null;
  if (length >= 0 && length < compression.minLength) return null;
  if (/(?:^|[\s,])no-transform(?:$|[\s,])/i.test(value('cache-control') ?? '')) return null;
  const type = (value('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  if (!compression.types.includes(type)) return null;
  const etag = value('etag');
  const isStrong = etag?.startsWith('"') === true;
  if (isStrong && compression.skipStrongEtag) return null;
  const add: { name: string; value: string; append: boolean }[] = [];
  // A cache must not give one client's coding to another, whoever came first (RFC 9110 12.5.5).
  if (!varies(value('vary'))) add.push({ name: 'vary', value: 'Accept-Encoding', append: true });
  if (coding === null) return { coding, edits: { remove: [], add } };
  add.push({ name: 'content-encoding', value: coding, append: false });
  // Equal in meaning, and no longer byte by byte (RFC 9110 8.8.1).
  if (isStrong) add.push({ name: 'etag', value: `W/${etag}`, append: false });
  return { coding, edits: { remove: aboutBytes, add } };
}

/** What is said of bytes that are others afterwards: length, ranges, digests (RFC 9530). */
const aboutBytes: readonly string[] = [
  ...['content-length', 'accept-ranges', 'content-digest', 'repr-digest', 'digest', 'content-md5'],
];

function varies(vary: string | undefined): boolean {
  const names = (vary ?? '').split(',').map((name) => name.trim().toLowerCase());
  return names.includes('accept-encoding') || names.includes('*');
}

/**
 * The etag of a 304 to a client that has the weak form of it from here; null = it stays as it is. A strong one would not be
 * found among what the client has stored (RFC 9111 4.3.4). @param known If-None-Match.
 */
export function weakenedEtag(fields: readonly PlainField[], known: string | undefined): HeaderEdits | null {
  const etag = fieldValue(fields, 'etag');
  if (etag === undefined || !etag.startsWith('"') || known === undefined) return null;
  const has = known.split(',').some((one) => one.trim() === `W/${etag}`);
  return has ? { remove: [], add: [{ name: 'etag', value: `W/${etag}`, append: false }] } : null;
}
