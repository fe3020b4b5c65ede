import { byte } from './byte-classes.ts';
import { lineKind, responseKinds } from './field-kinds.ts';
import { FieldSection, headResult, type SectionLimits } from './field-section.ts';

/**
 * Reads heads of answers from upstreams, as strictly as requests (RFC 9112 4). One for a worker: its values are those
 * of the answer that was read last, and so are the lines.
 */
export class ResponseHead extends FieldSection {
  /** 100 to 599. */
  status = 0;
  minor = 1;
  /** -1 = none; 0 to 16; 17 = something else. */
  grpcStatus = -1;
  /** Seconds for which the upstream keeps an idle connection (`Keep-Alive: timeout=`); -1 = it did not say. */
  keepAliveTimeout = -1;
  /** It has a `date`. */
  dated = false;
  /** The end-to-end field lines: `lines[0, linesEnd)`, with room for one more of 64 bytes. */
  lines: Buffer;
  linesEnd = 0;

  constructor(limits: SectionLimits) {
    super(responseKinds, limits);
    this.lines = Buffer.allocUnsafeSlow(limits.maxListBytes + spareBytes);
  }

  /** Reads the head that begins at `start`; one of {@link headResult}. A head that is incomplete is read anew. */
  read(bytes: Buffer, start: number, end: number): number {
    this.resetSection();
    this.status = 0;
    this.minor = 1;
    this.grpcStatus = -1;
    this.keepAliveTimeout = -1;
    this.dated = false;
    const at = this.#readLine(bytes, start, end);
    if (at < 0) return this.refusal === 0 ? headResult.incomplete : headResult.refused;
    let result = this.readFields(bytes, at, end);
    if (result !== headResult.ok) return result;
    result = this.finishSection(this.minor);
    if (result !== headResult.ok) return result;
    this.linesEnd = this.writeLines(bytes, this.lines, 0);
    return headResult.ok;
  }

  /** Position behind the status line; -1 = refused or incomplete. */
  #readLine(bytes: Buffer, start: number, end: number): number {
    const most = Math.min(end - start, statusLine.length);
    for (let i = 0; i < most; i++) {
      const b = bytes[start + i]!;
      const expected = statusLine[i]!;
      if (expected === digit ? b < 0x30 || b > 0x39 : b !== expected) return this.#bad('no status line');
    }
    if (most < statusLine.length) return -1;
    this.minor = bytes[start + 7]! - byte.zero;
    if (this.minor > 1) return this.#bad('the version is not HTTP/1.1 or HTTP/1.0');
    const at = start + 9;
    this.status =
      (bytes[at]! - byte.zero) * 100 + (bytes[at + 1]! - byte.zero) * 10 + (bytes[at + 2]! - byte.zero);
    if (this.status < 100 || this.status > 599) return this.#bad('the status is not between 100 and 599');
    let p = start + statusLine.length;
    if (p === end) return -1;
    // Many servers leave out the space of an empty reason phrase.
    if (bytes[p] !== byte.space && bytes[p] !== byte.cr) return this.#bad('something behind the status');
    const last = Math.min(end, p + longestReason);
    while (p < last && (bytes[p]! >= 0x20 || bytes[p] === byte.tab) && bytes[p] !== 0x7f) p++;
    if (p === end) return -1;
    if (p === last) return this.#bad('the reason phrase is too long');
    if (bytes[p] !== byte.cr) return this.#bad('the reason phrase has a forbidden character');
    if (p + 1 === end) return -1;
    if (bytes[p + 1] !== byte.lf) return this.#bad('a CR without LF');
    return p + 2;
  }

  #bad(problem: string): number {
    this.refuse(502, problem);
    return -1;
  }

  protected override take(kind: number, bytes: Buffer, start: number, end: number): boolean {
    switch (kind) {
      case lineKind.grpcStatus: {
        const value = bytes.toString('latin1', start, end);
        this.grpcStatus = /^(?:\d|1[0-6])$/.test(value) ? Number(value) : 17;
        return true;
      }
      case lineKind.date:
        this.dated = true;
        return true;
      case lineKind.keepAlive: {
        const seconds = /(?:^|[ \t,])timeout=(\d{1,9})(?:$|[ \t,])/i.exec(
          bytes.toString('latin1', start, end),
        );
        if (seconds !== null) this.keepAliveTimeout = Number(seconds[1]);
        return false;
      }
      default:
        return false;
    }
  }
}

const longestReason = 1024;
/** For a line of the caller's. */
const spareBytes = 64;
/** Stands for any digit in {@link statusLine}. */
const digit = 0;
const statusLine = Buffer.from('HTTP/1.\0 \0\0\0', 'latin1');
