import { copy, isFieldValue } from '../hpack/field-values.ts';
import { huffmanDecode, huffmanInvalid } from '../hpack/huffman.ts';
import { cursor, readInteger, writeInteger } from '../hpack/integer.ts';
import { type PlainField, plainFieldRoom } from '../hpack/plain.ts';
import { staticCount, staticTable } from '../hpack/static-table.ts';
import { byte, isBlank, isTokenBytes, lowerCase } from './byte-classes.ts';
import { FieldKinds } from './field-kinds.ts';
import { copyWords, tokenEnd, visibleEnd, WordView } from './scan.ts';

/**
 * Heads and trailers from HTTP/1.1 lines to plain blocks and back. *Lines* are `Name: value CRLF` one after another as a
 * reader of this folder left them: valid, without white space at the ends of a value, with one space or none behind the
 * colon; no start line, no empty line, nothing about framing or the hop. Whoever sends them writes that anew.
 */

/** Never goes from one protocol to the other: it is about a hop, or written anew (RFC 9113 8.2.2, RFC 9110 7.6.1). */
const notConverted = 128;
const cookieIndex = 32;

/** Name in any case to its static index, or to `notConverted`. */
const nameIndexes = new FieldKinds([
  ...staticNames(),
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings']
    .concat('te', 'host', 'content-length')
    .map((name) => [name, notConverted] as const),
]);

function staticNames(): [string, number][] {
  const names = new Map<string, number>();
  for (let i = staticCount; i >= 1; i--) {
    if (!staticTable[i]![0].startsWith(':')) names.set(staticTable[i]![0], i);
  }
  return [...names];
}

/** What {@link FieldKinds.of} says of the name of each static entry; pseudo-header fields are not converted either. */
const staticKind = new Uint8Array(staticCount + 1);
/** `name: value CRLF` and `name: ` of each static entry. */
const staticLine: Buffer[] = [];
const staticStart: Buffer[] = [];
for (let i = 0; i <= staticCount; i++) {
  const [name, value] = staticTable[i]!;
  const bytes = Buffer.from(name, 'latin1');
  staticKind[i] = bytes[0] === byte.colon ? notConverted : nameIndexes.of(bytes, 0, bytes.length);
  staticLine.push(Buffer.from(`${name}: ${value}\r\n`, 'latin1'));
  staticStart.push(Buffer.from(`${name}: `, 'latin1'));
}

/** Over what is read, and over what is written. */
const view = new WordView();
const targetView = new WordView();

/** Pieces that are longer are copied by `set`. */
const longestInWords = 256;

// ---- from lines

/** Bytes of a plain block that so many bytes of lines need at most. */
export function plainRoomForLines(bytes: number): number {
  return bytes + (bytes >>> 5) + 16;
}

/** Lines as a plain block of its own. @param wanted which names (lower case) are taken; all when left out. */
export function linesToPlain(
  bytes: Buffer,
  start: number,
  end: number,
  wanted: ((name: string) => boolean) | null = null,
): Buffer {
  const target = Buffer.allocUnsafeSlow(plainRoomForLines(end - start));
  return target.subarray(0, writePlainFromLines(target, 0, bytes, start, end, wanted));
}

/**
 * Writes the fields of `bytes[start, end)` as literals without indexing, names in lower case; returns the position
 * behind them. There must be room for {@link plainRoomForLines}. Throws when these are no lines.
 */
export function writePlainFromLines(
  target: Buffer,
  at: number,
  bytes: Buffer,
  start: number,
  end: number,
  wanted: ((name: string) => boolean) | null = null,
): number {
  const words = view.of(bytes);
  const targetWords = targetView.of(target);
  let to = at;
  let line = start;
  while (line < end) {
    const nameEnd = nameEndOf(bytes, words, line, end);
    let from = nameEnd + 1;
    if (bytes[from] === byte.space) from++;
    const valueEnd = valueEndOf(bytes, words, from, end);
    const index = nameIndexes.of(bytes, line, nameEnd);
    if (index !== notConverted && (wanted === null || wanted(textOf(bytes, line, nameEnd).toLowerCase()))) {
      if (index !== 0) to = writeInteger(target, to, index, 0x0f, 0);
      else {
        target[to++] = 0;
        to = writeInteger(target, to, nameEnd - line, 0x7f, 0);
        for (let i = line; i < nameEnd; i++) target[to++] = lowerCase[bytes[i]!]!;
      }
      to = writeInteger(target, to, valueEnd - from, 0x7f, 0);
      if (valueEnd - from > longestInWords) to = copy(bytes, from, valueEnd, target, to);
      else to = copyWords(words, from, valueEnd, targetWords, to);
    }
    line = valueEnd + 2;
  }
  return to;
}

/** The fields of lines, names in lower case. Throws when these are no lines. */
export function decodeLines(bytes: Buffer, start: number, end: number): PlainField[] {
  const words = view.of(bytes);
  const fields: PlainField[] = [];
  let line = start;
  while (line < end) {
    const nameEnd = nameEndOf(bytes, words, line, end);
    let from = nameEnd + 1;
    if (bytes[from] === byte.space) from++;
    const valueEnd = valueEndOf(bytes, words, from, end);
    const name = textOf(bytes, line, nameEnd).toLowerCase();
    fields.push({ name, value: textOf(bytes, from, valueEnd), neverIndexed: false });
    line = valueEnd + 2;
  }
  return fields;
}

/** Position of the colon. The lines were validated: that there is none is a fault of the gateway. */
function nameEndOf(bytes: Buffer, words: DataView, line: number, end: number): number {
  const p = tokenEnd(bytes, words, line, end);
  if (p === line || p >= end || bytes[p] !== byte.colon) throw new Error('a field line without a name');
  return p;
}

function valueEndOf(bytes: Buffer, words: DataView, from: number, end: number): number {
  let p = visibleEnd(bytes, words, from, end);
  while (p < end && (bytes[p] === byte.tab || bytes[p]! >= 0x80)) p = visibleEnd(bytes, words, p + 1, end);
  if (p + 1 >= end || bytes[p] !== byte.cr || bytes[p + 1] !== byte.lf)
    throw new Error('a field line without its end');
  return p;
}

function textOf(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end);
}

// ---- to lines

/**
 * Lines of fields (latin1). Throws a RangeError when a name is no token or a value has a control character: nothing is
 * written that could be read as another line.
 */
export function encodeLines(fields: readonly Pick<PlainField, 'name' | 'value'>[]): Buffer {
  let room = 0;
  for (const { name, value } of fields) room += plainFieldRoom(name, value);
  const target = Buffer.allocUnsafeSlow(room);
  let to = 0;
  for (const { name, value } of fields) to = writeLine(target, to, name, value);
  return target.subarray(0, to);
}

/** Writes one line; returns the position behind it. Needs `name.length + value.length + 4` bytes. Throws as {@link encodeLines}. */
export function writeLine(target: Buffer, at: number, name: string, value: string): number {
  let to = writeLatin1(target, at, name);
  if (!isTokenBytes(target, at, to)) throw new RangeError('a field name is not a token');
  target[to++] = byte.colon;
  target[to++] = byte.space;
  const from = to;
  to = writeLatin1(target, from, value);
  if (!isFieldValue(target, from, to)) throw new RangeError(`the value of ${name} has a forbidden character`);
  target[to++] = byte.cr;
  target[to++] = byte.lf;
  return to;
}

/** Cutting a character down to its low byte could make a control of it. */
function writeLatin1(target: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 0xff) throw new RangeError('a field has a character above U+00FF');
    target[at + i] = c;
  }
  return at + text.length;
}

/** Bytes that the lines of a plain block need at most; -1 when it is none. */
export function linesRoom(block: Buffer, start: number, end: number): number {
  let room = 0;
  let position = start;
  while (position < end) {
    const first = block[position]!;
    if (first >= 0x80) {
      const index = readInteger(block, position, end, 0x7f);
      if (index < 1 || index > staticCount) return -1;
      room += staticLine[index]!.length;
      position = cursor.position;
      continue;
    }
    const index = readInteger(block, position, end, 0x0f);
    if (first >= 0x20 || index < 0 || index > staticCount) return -1;
    position = cursor.position;
    if (index === 0) {
      const behind = stringEnd(block, position, end);
      if (behind < 0) return -1;
      room += (behind - position) * 2;
      position = behind;
    } else room += staticStart[index]!.length;
    const behind = stringEnd(block, position, end);
    if (behind < 0) return -1;
    room += (behind - position) * 2 + 4;
    position = behind;
  }
  return room;
}

/**
 * Writes the regular fields of a plain block as lines and returns the position behind them; -1 when the block cannot
 * be read, a name is no token or a value has a control character or white space at an end (RFC 9113 10.3: nothing that
 * HTTP/2 lets through may become another line here). Several cookies become one line (RFC 9113 8.2.3).
 * There must be room for {@link linesRoom}. @param wanted which names are taken; all when left out.
 */
export function writeLinesFromPlain(
  target: Buffer,
  at: number,
  block: Buffer,
  start: number,
  end: number,
  wanted: ((name: string) => boolean) | null = null,
): number {
  const words = view.of(block);
  const targetWords = targetView.of(target);
  let to = at;
  let position = start;
  let cookiesDone = false;
  while (position < end) {
    const first = block[position]!;
    if (first >= 0x80) {
      const index = readInteger(block, position, end, 0x7f);
      if (index < 1 || index > staticCount) return -1;
      position = cursor.position;
      if (staticKind[index] === notConverted || index === cookieIndex) continue;
      if (wanted !== null && !wanted(staticTable[index]![0])) continue;
      const line = staticLine[index]!;
      to = copy(line, 0, line.length, target, to);
      continue;
    }
    const lineStart = to;
    const nameIndex = readInteger(block, position, end, 0x0f);
    if (first >= 0x20 || nameIndex < 0 || nameIndex > staticCount) return -1;
    position = cursor.position;
    let kind: number;
    if (nameIndex > 0) {
      kind = staticKind[nameIndex]!;
      const name = staticStart[nameIndex]!;
      to = copy(name, 0, name.length, target, to);
    } else {
      to = writeText(target, targetWords, to, block, words, position, end);
      if (to < 0) return -1;
      position = cursor.position;
      if (target[lineStart] === byte.colon && to > lineStart) kind = notConverted;
      else if (to === lineStart || tokenEnd(target, targetWords, lineStart, to) !== to) return -1;
      else kind = nameIndexes.of(target, lineStart, to);
      target[to++] = byte.colon;
      target[to++] = byte.space;
    }
    if (kind === cookieIndex && cookiesDone) {
      // Its value is in the first one's line already: there is no room to write it once more, even to be overwritten.
      position = stringEnd(block, position, end);
      if (position < 0) return -1;
      to = lineStart;
      continue;
    }
    const valueStart = to;
    to = writeText(target, targetWords, to, block, words, position, end);
    if (to < 0 || !isValue(target, targetWords, valueStart, to)) return -1;
    position = cursor.position;
    if (
      kind === notConverted ||
      (wanted !== null && !wanted(textOf(target, lineStart, valueStart - 2).toLowerCase()))
    ) {
      to = lineStart;
      continue;
    }
    if (kind === cookieIndex) {
      cookiesDone = true;
      to = appendCookies(target, to, block, position, end);
      if (to < 0) return -1;
    }
    target[to++] = byte.cr;
    target[to++] = byte.lf;
  }
  return to;
}

/** Appends the values of all further cookies in `block[start, end)`, each behind "; "; -1 when they cannot be read. */
function appendCookies(target: Buffer, at: number, block: Buffer, start: number, end: number): number {
  const words = view.of(block);
  const targetWords = targetView.of(target);
  let to = at;
  let position = start;
  while (position < end) {
    const first = block[position]!;
    const index = readInteger(block, position, end, first >= 0x80 ? 0x7f : 0x0f);
    position = cursor.position;
    if (index < 0) return -1;
    if (first >= 0x80) continue;
    let isCookie = index === cookieIndex;
    if (index === 0) {
      const nameEnd = writeText(target, targetWords, to, block, words, position, end);
      if (nameEnd < 0) return -1;
      position = cursor.position;
      isCookie = nameEnd > to && nameIndexes.of(target, to, nameEnd) === cookieIndex;
    }
    if (!isCookie) {
      position = stringEnd(block, position, end);
      if (position < 0) return -1;
      continue;
    }
    target[to++] = byte.semicolon;
    target[to++] = byte.space;
    const from = to;
    to = writeText(target, targetWords, to, block, words, position, end);
    if (to < 0 || !isValue(target, targetWords, from, to)) return -1;
    position = cursor.position;
  }
  return to;
}

/** Position behind the string literal at `at`; -1 when it is cut short. */
function stringEnd(block: Buffer, at: number, end: number): number {
  if (at >= end) return -1;
  const length = readInteger(block, at, end, 0x7f);
  return length < 0 || cursor.position + length > end ? -1 : cursor.position + length;
}

/** Writes the text of the string literal at `at`; -1 when it cannot be read. Leaves the cursor behind it. */
function writeText(
  target: Buffer,
  targetWords: DataView,
  to: number,
  block: Buffer,
  words: DataView,
  at: number,
  end: number,
): number {
  const behind = stringEnd(block, at, end);
  if (behind < 0) return -1;
  const from = cursor.position;
  cursor.position = behind;
  if (block[at]! >= 0x80) {
    const written = huffmanDecode(block, from, behind, target, to);
    return written === huffmanInvalid ? -1 : written;
  }
  if (behind - from > longestInWords) return copy(block, from, behind, target, to);
  return copyWords(words, from, behind, targetWords, to);
}

/** As `isFieldValue` of the HTTP/2 side, four bytes at a time. */
function isValue(bytes: Buffer, words: DataView, start: number, end: number): boolean {
  if (start === end) return true;
  if (isBlank(bytes[start]!) || isBlank(bytes[end - 1]!)) return false;
  let p = visibleEnd(bytes, words, start, end);
  while (p < end) {
    if (bytes[p] !== byte.tab && bytes[p]! < 0x80) return false;
    p = visibleEnd(bytes, words, p + 1, end);
  }
  return true;
}
