import { fieldKind, invalidName, kindOfBytes, staticKinds } from './field-names.ts';
import { isFieldValue, isWalkedValue } from './field-values.ts';
import { huffmanDecode, huffmanInvalid, huffmanWalk } from './huffman.ts';
import { cursor, readInteger, writeInteger } from './integer.ts';
import { staticCount, staticTable } from './static-table.ts';
import { literalText } from './value-cache.ts';

/** A response head or trailers: what the gateway has to know, and the plain block that goes to the client. */
export interface ResponseBlock {
  readonly bytes: Buffer;
  readonly length: number;
  /** A plain block, and no lines of HTTP/1.1. */
  readonly lines: false;
  /** 100 to 599; 0 = no `:status` (trailers). */
  readonly status: number;
  /** -1 = none; 0 to 16; 17 = something else. */
  readonly grpcStatus: number;
  /** -1 = none. */
  readonly contentLength: number;
  /** It has a `date`. */
  readonly dated: boolean;
  /** What is wrong with it; '' = nothing. */
  readonly problem: string;
  /** The block cannot be decoded: the connection is lost (RFC 9113 4.3). */
  readonly broken: boolean;
}

const cacheSlots = 256;
const longestCached = 512;
const seenSlots = 1024;

/**
 * Reads the header blocks of upstreams. They depend on no table, because every upstream is told a table of
 * size 0 (SETTINGS_HEADER_TABLE_SIZE) before the first request; so equal bytes mean equal fields, and a block
 * that came before is neither validated nor written again. The cache is bounded, and keyed by the bytes alone.
 */
export class ResponseBlocks {
  readonly #keys: (Buffer | undefined)[] = new Array(cacheSlots).fill(undefined);
  readonly #blocks: (ResponseBlock | undefined)[] = new Array(cacheSlots).fill(undefined);
  readonly #seen = new Int32Array(seenSlots);
  readonly #recentKeys: Buffer[] = [nothing, nothing];
  readonly #recent: ResponseBlock[] = [broken, broken];
  #older = 0;

  /** The block in `bytes[start, end)`; valid until the next call unless it is kept by copying. */
  read(bytes: Buffer, start: number, end: number): ResponseBlock {
    const length = end - start;
    if (length > longestCached || length === 0) return scan(bytes, start, end);
    // Heads and trailers of one upstream come in turn: most are the last or the one before.
    for (let i = 0; i < 2; i++) {
      const key = this.#recentKeys[i]!;
      if (key.length === length && same(key, bytes, start, length)) return this.#recent[i]!;
    }
    let hash = length;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    hash ^= hash >>> 15;
    const slot = hash & (cacheSlots - 1);
    const key = this.#keys[slot];
    if (key !== undefined && key.length === length && same(key, bytes, start, length)) {
      return this.#remember(key, this.#blocks[slot]!);
    }
    const block = scan(bytes, start, end);
    const seen = (hash >>> 8) & (seenSlots - 1);
    if (this.#seen[seen] === hash) {
      this.#keys[slot] = Buffer.from(bytes.subarray(start, end));
      this.#blocks[slot] = block;
    } else this.#seen[seen] = hash;
    return block;
  }

  #remember(key: Buffer, block: ResponseBlock): ResponseBlock {
    const at = this.#older;
    this.#older = 1 - at;
    this.#recentKeys[at] = key;
    this.#recent[at] = block;
    return block;
  }
}

function same(key: Buffer, bytes: Buffer, start: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (key[i] !== bytes[start + i]) return false;
  return true;
}

/** What {@link scan} gathers while it goes. */
interface Found {
  status: number;
  grpcStatus: number;
  contentLength: number;
  dated: boolean;
  problem: string;
  regular: boolean;
}

function scan(bytes: Buffer, start: number, end: number): ResponseBlock {
  const target = Buffer.allocUnsafeSlow((end - start) * 2 + 64);
  const found: Found = {
    status: 0,
    grpcStatus: -1,
    contentLength: -1,
    dated: false,
    problem: '',
    regular: false,
  };
  let to = 0;
  let position = start;
  while (position < end) {
    const first = bytes[position]!;
    if (first >= 0x80) {
      const index = readInteger(bytes, position, end, 0x7f);
      if (index <= 0 || index > staticCount) return broken;
      position = cursor.position;
      const kept = to;
      target[to++] = 0x80 | index;
      if (!take(found, staticKinds[index]!, staticTable[index]![1])) to = kept;
    } else if (first >= 0x20 && first < 0x40) {
      // An upstream that obeys a table of 0 may say so, at the beginning of its first block.
      if (readInteger(bytes, position, end, 0x1f) !== 0 || position !== start) return broken;
      position = cursor.position;
    } else {
      to = literal(bytes, position, end, target, to, found);
      if (to < 0) return broken;
      position = cursor.position;
    }
  }
  return {
    bytes: target,
    length: to,
    lines: false,
    status: found.status,
    grpcStatus: found.grpcStatus,
    contentLength: found.contentLength,
    dated: found.dated,
    problem: found.problem,
    broken: false,
  };
}

const nothing = Buffer.alloc(0);

const broken: ResponseBlock = {
  bytes: Buffer.alloc(0),
  length: 0,
  lines: false,
  status: 0,
  grpcStatus: -1,
  contentLength: -1,
  dated: false,
  problem: 'a header block that cannot be decoded',
  broken: true,
};

const nameScratch = Buffer.allocUnsafeSlow(65_536);

/** Copies one literal to `target` without indexing; -1 when the block is broken. Leaves the cursor behind it. */
function literal(
  bytes: Buffer,
  at: number,
  end: number,
  target: Buffer,
  start: number,
  found: Found,
): number {
  const first = bytes[at]!;
  const indexing = first >= 0x40;
  const index = readInteger(bytes, at, end, indexing ? 0x3f : 0x0f);
  if (index < 0 || index > staticCount) return -1;
  let to = writeInteger(target, start, index, 0x0f, indexing ? 0 : first & 0x10);
  let position = cursor.position;
  let kind: number;
  if (index > 0) kind = staticKinds[index]!;
  else {
    if (position >= end) return -1;
    const huffman = bytes[position]! >= 0x80;
    const length = readInteger(bytes, position, end, 0x7f);
    const from = cursor.position;
    const behind = from + length;
    if (length < 0 || behind > end || length * 2 > nameScratch.length) return -1;
    if (huffman) {
      const decodedEnd = huffmanDecode(bytes, from, behind, nameScratch, 0);
      if (decodedEnd === huffmanInvalid) return -1;
      kind = kindOfBytes(nameScratch, 0, decodedEnd);
    } else kind = kindOfBytes(bytes, from, behind);
    to += bytes.copy(target, to, position, behind);
    position = behind;
  }
  if (position >= end) return -1;
  const huffman = bytes[position]! >= 0x80;
  const length = readInteger(bytes, position, end, 0x7f);
  const from = cursor.position;
  const behind = from + length;
  if (length < 0 || behind > end) return -1;
  let valid: boolean;
  if (huffman) {
    if (huffmanWalk(bytes, from, behind) === huffmanInvalid) return -1;
    valid = isWalkedValue();
  } else valid = isFieldValue(bytes, from, behind);
  to += bytes.copy(target, to, position, behind);
  cursor.position = behind;
  if (kind === invalidName) found.problem ||= 'a field name with a forbidden character';
  else if (!valid) found.problem ||= 'a field value with a forbidden character';
  else {
    const text = needsText(kind) ? literalText(bytes, position, behind) : '';
    cursor.position = behind;
    if (!take(found, kind, text)) return start;
  }
  return to;
}

function needsText(kind: number): boolean {
  return kind === fieldKind.status || kind === fieldKind.grpcStatus || kind === fieldKind.contentLength;
}

/** Takes notice of a field; true when it goes on. */
function take(found: Found, kind: number, value: string): boolean {
  if (kind === fieldKind.status) {
    if (found.status !== 0 || found.regular || !/^[1-5]\d\d$/.test(value))
      found.problem ||= 'a wrong :status';
    found.status = Number(value);
    return true;
  }
  if (kind >= fieldKind.authority && kind <= fieldKind.unknownPseudo) {
    found.problem ||= 'a pseudo-header that responses do not have';
    return false;
  }
  found.regular = true;
  if (kind === fieldKind.connectionSpecific) {
    found.problem ||= 'a connection-specific field (RFC 9113 8.2.2)';
    return false;
  }
  if (kind === fieldKind.grpcStatus) {
    found.grpcStatus = /^(?:\d|1[0-6])$/.test(value) ? Number(value) : 17;
  } else if (kind === fieldKind.date) found.dated = true;
  else if (kind === fieldKind.contentLength) {
    const length = /^\d{1,15}$/.test(value) ? Number(value) : -2;
    if (length < 0 || (found.contentLength >= 0 && found.contentLength !== length)) {
      found.problem ||= 'a wrong content-length';
    }
    found.contentLength = length;
  }
  return true;
}
