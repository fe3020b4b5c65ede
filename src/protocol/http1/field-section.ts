import { copy } from '../hpack/field-values.ts';
import { byte, equalsIgnoreCase, isBlank } from './byte-classes.ts';
import { nominations, readConnection } from './connection-options.ts';
import { type FieldKinds, lineKind } from './field-kinds.ts';
import { readCoding, readLength, tokenList } from './framing.ts';
import { tokenEnd, visibleEnd, WordView } from './scan.ts';

/**
 * What reading came to. `incomplete`: more bytes are needed, nothing was consumed; reading begins anew. `refused`: what
 * follows on the connection cannot be trusted, so it is closed after the answer.
 */
export const headResult = { incomplete: 0, ok: 1, refused: 2 } as const;

/** How large the section may be. */
export interface SectionLimits {
  /** Sum of name + value + 32 over the fields, in bytes, as in HTTP/2; the section's own bytes may not be more either. */
  readonly maxListBytes: number;
  readonly maxFields: number;
}

/**
 * Reads the field lines of a message strictly (RFC 9112 5, RFC 9110 5.5): what follows is allowed to be read in one way
 * only, by whomever it is sent to. Lines that go on are noted as *runs* of the bytes that they came in and copied
 * together; the fields of this hop are taken out and understood here (RFC 9110 7.6.1).
 */
export abstract class FieldSection {
  /** Number of fields so far, and the sum of their sizes as HTTP/2 counts it. */
  fields = 0;
  listBytes = 0;
  /** -1 = none. */
  contentLength = -1;
  chunked = false;
  /** The connection may be used again after this message (RFC 9112 9.3). */
  keepAlive = false;
  /** Protocols of Upgrade in lower case, separated by ", "; '' unless Connection names it, too. */
  upgrade = '';
  /** Why the message was refused: one sentence without a full stop. */
  problem = '';
  /** Position behind the empty line. */
  headEnd = 0;
  /** HTTP status of the refusal; 0 = none. */
  protected refusal = 0;
  protected close = false;
  protected keep = false;
  protected upgradeNamed = false;
  /** Where the name of the field that is taken stands. */
  protected nameStart = 0;
  protected nameEnd = 0;
  /** Names that Connection holds beside its options, in lower case; null = none. */
  protected nominated: Set<string> | null = null;

  readonly #kinds: FieldKinds;
  readonly #limits: SectionLimits;
  protected readonly view = new WordView();
  /** Start and end of each piece of the source that goes on. */
  readonly #runs: Int32Array;
  #runCount = 0;
  #upgradeValue = '';
  #lengthDigits = 0;
  #sectionStart = 0;

  constructor(kinds: FieldKinds, limits: SectionLimits) {
    this.#kinds = kinds;
    this.#limits = limits;
    // At most three pieces a line, and one that is open.
    this.#runs = new Int32Array(limits.maxFields * 6 + 8);
  }

  /** A field whose name is known, with its value in `bytes[start, end)`; true when the line goes on. */
  protected abstract take(kind: number, bytes: Buffer, start: number, end: number): boolean;

  protected resetSection(): void {
    this.fields = 0;
    this.listBytes = 0;
    this.contentLength = -1;
    this.chunked = false;
    this.keepAlive = false;
    this.upgrade = '';
    this.problem = '';
    this.refusal = 0;
    this.close = false;
    this.keep = false;
    this.upgradeNamed = false;
    this.nominated = null;
    this.#runCount = 0;
    this.#upgradeValue = '';
  }

  protected refuse(status: number, problem: string): typeof headResult.refused {
    if (this.refusal === 0) {
      this.refusal = status;
      this.problem = problem;
    }
    return headResult.refused;
  }

  /** Reads the lines from `at` to the empty line; on `ok` it stands in front of `headEnd`. */
  protected readFields(bytes: Buffer, at: number, end: number): number {
    const words = this.view.of(bytes);
    const kinds = this.#kinds;
    const runs = this.#runs;
    const { maxListBytes, maxFields } = this.#limits;
    this.#sectionStart = at;
    let count = 0;
    let runStart = at;
    let line = at;
    let listBytes = 0;
    let fields = 0;
    for (;;) {
      if (line >= end) return this.#incomplete(at, end);
      let p = tokenEnd(bytes, words, line, end);
      if (p === end) return this.#incomplete(at, end);
      if (bytes[p] !== byte.colon || p === line) {
        if (bytes[p] !== byte.cr || p !== line) return this.#badName(bytes, line, p);
        if (p + 1 === end) return this.#incomplete(at, end);
        if (bytes[p + 1] !== byte.lf) return this.refuse(400, 'a CR without LF');
        break;
      }
      const nameEnd = p++;
      if (p < end && bytes[p] === byte.space) p++;
      let from = p;
      p = visibleEnd(bytes, words, p, end);
      while (p < end && (bytes[p] === byte.tab || bytes[p]! >= 0x80))
        p = visibleEnd(bytes, words, p + 1, end);
      if (p === end) return this.#incomplete(at, end);
      if (bytes[p] !== byte.cr) return this.#badValue(bytes[p]!);
      if (p + 1 === end) return this.#incomplete(at, end);
      if (bytes[p + 1] !== byte.lf) return this.refuse(400, 'a CR without LF');
      let to = p;
      let padded = false;
      const next = p + 2;
      if (from < to && (isBlank(bytes[from]!) || isBlank(bytes[to - 1]!))) {
        padded = true;
        while (from < to && isBlank(bytes[from]!)) from++;
        while (from < to && isBlank(bytes[to - 1]!)) to--;
      }
      fields++;
      listBytes += nameEnd - line + to - from + 32;
      if (fields > maxFields) {
        this.fields = fields;
        return this.#tooLarge(`the head has more than ${maxFields} fields`);
      }
      if (listBytes > maxListBytes || next - at > maxListBytes) {
        return this.#tooLarge(`the head has more than ${maxListBytes} bytes`);
      }
      const kind = kinds.of(bytes, line, nameEnd);
      this.nameStart = line;
      this.nameEnd = nameEnd;
      if (kind !== 0 && !this.#take(kind, bytes, from, to)) {
        if (this.refusal !== 0) return headResult.refused;
        if (runStart < line) {
          runs[count++] = runStart;
          runs[count++] = line;
        }
        runStart = next;
      } else if (padded) {
        // More white space than `Name: value` has: the line goes on without it.
        const head = bytes[nameEnd + 1] === byte.space ? nameEnd + 2 : nameEnd + 1;
        runs[count++] = runStart;
        runs[count++] = head;
        runs[count++] = from;
        runs[count++] = to;
        runStart = p;
      }
      line = next;
    }
    if (runStart < line) {
      runs[count++] = runStart;
      runs[count++] = line;
    }
    this.#runCount = count;
    this.fields = fields;
    this.listBytes = listBytes;
    this.headEnd = line + 2;
    return headResult.ok;
  }

  /** What all messages have to be asked behind their lines. @param minor of the version, HTTP/1.minor. */
  protected finishSection(minor: number): number {
    if (this.chunked) {
      if (this.contentLength >= 0) {
        return this.refuse(400, 'Content-Length and Transfer-Encoding together (RFC 9112 6.1)');
      }
      if (minor === 0) return this.refuse(400, 'Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)');
    }
    this.keepAlive = !this.close && (minor === 1 || this.keep);
    // RFC 9110 7.8: Upgrade of an HTTP/1.0 message is ignored.
    if (minor === 1 && this.upgradeNamed) this.upgrade = this.#upgradeValue;
    return headResult.ok;
  }

  /** Most bytes that {@link writeLines} writes. */
  protected get lineBytes(): number {
    return this.headEnd - this.#sectionStart;
  }

  /** Writes the lines that go on; returns the position behind them. */
  protected writeLines(bytes: Buffer, target: Buffer, at: number): number {
    const runs = this.#runs;
    let to = at;
    for (let i = 0; i < this.#runCount; i += 2) to = copy(bytes, runs[i]!, runs[i + 1]!, target, to);
    return this.nominated === null ? to : withoutLines(target, at, to, this.nominated);
  }

  #take(kind: number, bytes: Buffer, start: number, end: number): boolean {
    switch (kind) {
      case lineKind.contentLength:
        this.#takeLength(readLength(bytes, start, end), end - start);
        return false;
      case lineKind.connection:
        this.#takeConnection(bytes, start, end);
        return false;
      case lineKind.transferEncoding:
        this.#takeCoding(bytes, start, end);
        return false;
      case lineKind.upgrade:
        this.#takeUpgrade(bytes, start, end);
        return false;
      case lineKind.hopByHop:
        return false;
      default:
        return this.take(kind, bytes, start, end);
    }
  }

  /**
   * RFC 9110 8.6: digits only. A list of equal values may be taken for one of them; here it is refused. Lines that
   * are equal count as one, as in HTTP/2.
   */
  #takeLength(length: number, digits: number): void {
    if (length < 0) this.refuse(400, 'Content-Length is not a number');
    else if (this.contentLength >= 0 && (this.contentLength !== length || this.#lengthDigits !== digits)) {
      this.refuse(400, 'two Content-Length lines that differ');
    }
    this.contentLength = length;
    this.#lengthDigits = digits;
  }

  #takeConnection(bytes: Buffer, start: number, end: number): void {
    // What almost all messages say.
    if (end - start === 10 && equalsIgnoreCase(bytes, start, end, keepAliveOption)) this.keep = true;
    else if (end - start === 5 && equalsIgnoreCase(bytes, start, end, closeOption)) this.close = true;
    else {
      const options = readConnection(bytes.toString('latin1', start, end));
      if (typeof options === 'string') {
        this.refuse(400, options);
        return;
      }
      if (options.has('close')) this.close = true;
      if (options.has('keep-alive')) this.keep = true;
      if (options.has('upgrade')) this.upgradeNamed = true;
      this.nominated = nominations(options, this.nominated);
    }
  }

  /**
   * RFC 9112 6.1, 6.3: only `chunked`, once. Codings in front of it could be decoded by nobody here (501); where
   * chunked is not the last, the end of the message is not known (400).
   */
  #takeCoding(bytes: Buffer, start: number, end: number): void {
    if (this.chunked) this.refuse(400, 'two Transfer-Encoding lines');
    else if (equalsIgnoreCase(bytes, start, end, chunkedCoding)) this.chunked = true;
    else if (readCoding(bytes.toString('latin1', start, end)) === 'unsupported') {
      this.refuse(501, 'a transfer coding beside chunked');
    } else this.refuse(400, 'Transfer-Encoding is not chunked');
  }

  #takeUpgrade(bytes: Buffer, start: number, end: number): void {
    // A malformed one asks for nothing: it is not sent on, so nobody else can read it otherwise.
    const list = tokenList(bytes.toString('latin1', start, end).toLowerCase(), true);
    if (list === null || list.length === 0) return;
    const text = list.join(', ');
    this.#upgradeValue = this.#upgradeValue === '' ? text : `${this.#upgradeValue}, ${text}`;
  }

  #incomplete(start: number, end: number): number {
    const most = this.#limits.maxListBytes;
    return end - start > most
      ? this.#tooLarge(`the head has more than ${most} bytes`)
      : headResult.incomplete;
  }

  #tooLarge(problem: string): number {
    return this.refuse(431, problem);
  }

  #badName(bytes: Buffer, line: number, at: number): number {
    const b = bytes[at]!;
    if (at === line) {
      if (isBlank(b)) return this.refuse(400, 'a field line that begins with white space (RFC 9112 5.2)');
      if (b === byte.colon) return this.refuse(400, 'a field line without a name');
    }
    if (isBlank(b)) return this.refuse(400, 'white space in or behind a field name (RFC 9112 5.1)');
    if (b === byte.lf || b === byte.cr)
      return this.refuse(400, 'a field line without a colon, or LF without CR');
    return this.refuse(400, 'a field name has a forbidden character');
  }

  #badValue(b: number): number {
    if (b === byte.lf) return this.refuse(400, 'an LF without CR (RFC 9112 2.2)');
    return this.refuse(400, 'a field value has a forbidden character (RFC 9110 5.5)');
  }
}

const keepAliveOption = Buffer.from('keep-alive', 'latin1');
const closeOption = Buffer.from('close', 'latin1');
const chunkedCoding = Buffer.from('chunked', 'latin1');

/** Moves the lines in `bytes[start, end)` together so that none whose name is in `names` is left; the new end. */
function withoutLines(bytes: Buffer, start: number, end: number, names: ReadonlySet<string>): number {
  let to = start;
  let line = start;
  while (line < end) {
    const next = bytes.indexOf(byte.lf, line) + 1;
    const name = bytes.toString('latin1', line, bytes.indexOf(byte.colon, line)).toLowerCase();
    if (!names.has(name)) {
      bytes.copyWithin(to, line, next);
      to += next - line;
    }
    line = next;
  }
  return to;
}
