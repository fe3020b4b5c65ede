import { byte, isBlank, isTokenByte } from './byte-classes.ts';
import { headResult } from './field-section.ts';
import { endOfHead } from './head-end.ts';
import type { TrailerSection } from './trailers.ts';

/** What reading a chunked body came to: more bytes are needed, its end was read, or it is malformed. */
export const chunkResult = { more: 0, done: 1, refused: 2 } as const;

/** Takes the data of a body, piece by piece, as it lies in the read buffer. */
export interface DataSink {
  onBodyData(bytes: Buffer, start: number, end: number): void;
}

/** Bytes that extensions may have beyond what data came with them: enough for any that are in use. */
const mostExtensionBytes = 4096;
/** 14 hexadecimal digits are 2^56; leading zeros are allowed, but not without end. */
const mostDigits = 16;

const state = {
  size: 0,
  sizeLf: 1,
  data: 2,
  dataCr: 3,
  dataLf: 4,
  trailers: 5,
  done: 6,
  refused: 7,
  /** Extensions (RFC 9112 7.1.1): white space in front of the next `;`, the name, its value. */
  beforeSemicolon: 8,
  nameStart: 9,
  name: 10,
  behindName: 11,
  valueStart: 12,
  value: 13,
  quoted: 14,
  escaped: 15,
  behindQuoted: 16,
} as const;

const digits = new Int8Array(256).fill(-1);
for (const [value, c] of [...'0123456789abcdef'].entries()) {
  digits[c.charCodeAt(0)] = value;
  digits[c.toUpperCase().charCodeAt(0)] = value;
}

/**
 * Reads the chunked body of one message (RFC 9112 7.1), strictly and as it comes: a size is 1*HEXDIG, every line ends in
 * CRLF, extensions are well-formed (and dropped). Nothing is copied but a trailer section that comes in pieces.
 */
export class ChunkReader {
  /** Position behind what was read: on `done` where the next message begins. */
  position = 0;
  /** The trailers that go on, as a plain block; null when there are none. */
  trailers: Buffer | null = null;
  /** Why the body was refused. */
  problem = '';

  readonly #section: TrailerSection;
  #state: number = state.size;
  #size = 0;
  #digits = 0;
  /** Bytes of extensions, less the data that came since. */
  #extensionBytes = 0;
  /** CRLF and the beginning of the trailer section, when it came in pieces. */
  #held: Buffer | null = null;
  #heldLength = 0;

  /** @param section the worker's reader of trailers; brings the limits. */
  constructor(section: TrailerSection) {
    this.#section = section;
  }

  /** Begins with the next message. */
  reset(): void {
    this.position = 0;
    this.trailers = null;
    this.problem = '';
    this.#state = state.size;
    this.#size = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#held = null;
    this.#heldLength = 0;
  }

  /** Reads on in `bytes[start, end)`; gives data to `sink`. One of {@link chunkResult}; `more` has taken all bytes. */
  read(bytes: Buffer, start: number, end: number, sink: DataSink): number {
    let p = start;
    while (p < end) {
      switch (this.#state) {
        case state.data: {
          const to = Math.min(end, p + this.#size);
          this.#size -= to - p;
          if (this.#size === 0) this.#state = state.dataCr;
          sink.onBodyData(bytes, p, to);
          p = to;
          break;
        }
        case state.dataCr:
          if (bytes[p++] !== byte.cr) return this.#refuse(p, 'a chunk is longer than its size');
          this.#state = state.dataLf;
          break;
        case state.dataLf:
          if (bytes[p++] !== byte.lf) return this.#refuse(p, 'a CR without LF behind a chunk');
          this.#state = state.size;
          this.#digits = 0;
          break;
        case state.size: {
          const digit = digits[bytes[p]!]!;
          if (digit >= 0) {
            this.#size = this.#size * 16 + digit;
            if (++this.#digits > mostDigits || this.#size > Number.MAX_SAFE_INTEGER) {
              return this.#refuse(p, 'a chunk size is too large');
            }
          } else if (this.#digits === 0) return this.#refuse(p, 'a chunk size is not hexadecimal');
          else if (!this.#behindPart(bytes[p]!)) return this.#refuse(p, 'a chunk size is not hexadecimal');
          p++;
          break;
        }
        case state.sizeLf:
          if (bytes[p++] !== byte.lf) return this.#refuse(p, 'a CR without LF in a chunk-size line');
          this.#extensionBytes = Math.max(0, this.#extensionBytes - this.#size);
          this.#state = this.#size === 0 ? state.trailers : state.data;
          break;
        case state.trailers:
          return this.#readTrailers(bytes, p, end);
        case state.done:
          this.position = p;
          return chunkResult.done;
        case state.refused:
          return this.#refuse(p, this.problem);
        default:
          if (++this.#extensionBytes > mostExtensionBytes)
            return this.#refuse(p, 'chunk extensions are too long');
          if (!this.#extension(bytes[p]!)) return this.#refuse(p, 'a chunk extension is malformed');
          p++;
      }
    }
    this.position = p;
    return this.#state === state.done ? chunkResult.done : chunkResult.more;
  }

  #refuse(at: number, problem: string): typeof chunkResult.refused {
    this.#state = state.refused;
    this.position = at;
    this.problem = problem;
    return chunkResult.refused;
  }

  /** Behind a size, a name or a value: the end of the line, the next extension, or white space in front of it. */
  #behindPart(b: number): boolean {
    if (b === byte.cr) this.#state = state.sizeLf;
    else if (b === byte.semicolon) this.#state = state.nameStart;
    else if (isBlank(b)) this.#state = state.beforeSemicolon;
    else return false;
    return true;
  }

  /** One byte of the extensions; false when it may not stand there. */
  #extension(b: number): boolean {
    switch (this.#state) {
      case state.beforeSemicolon:
        if (b === byte.semicolon) this.#state = state.nameStart;
        else if (!isBlank(b)) return false;
        return true;
      case state.nameStart:
        if (isTokenByte[b] !== 0) this.#state = state.name;
        else if (!isBlank(b)) return false;
        return true;
      case state.name:
        if (isTokenByte[b] !== 0) return true;
        if (b === byte.equals) this.#state = state.valueStart;
        else if (isBlank(b)) this.#state = state.behindName;
        else return this.#behindPart(b);
        return true;
      case state.behindName:
        if (b === byte.equals) this.#state = state.valueStart;
        else if (b === byte.semicolon) this.#state = state.nameStart;
        else if (!isBlank(b)) return false;
        return true;
      case state.valueStart:
        if (b === byte.quote) this.#state = state.quoted;
        else if (isTokenByte[b] !== 0) this.#state = state.value;
        else if (!isBlank(b)) return false;
        return true;
      case state.value:
        return isTokenByte[b] !== 0 || this.#behindPart(b);
      case state.quoted:
        if (b === byte.quote) this.#state = state.behindQuoted;
        else if (b === byte.backslash) this.#state = state.escaped;
        else return isQuotable(b);
        return true;
      case state.escaped:
        this.#state = state.quoted;
        return isQuotable(b);
      default:
        return this.#behindPart(b);
    }
  }

  #readTrailers(bytes: Buffer, start: number, end: number): number {
    const section = this.#section;
    if (this.#held === null) {
      const result = section.read(bytes, start, end);
      if (result !== headResult.incomplete) return this.#endTrailers(result, section.headEnd, start);
      this.#hold(bytes, start, end);
      this.position = end;
      return chunkResult.more;
    }
    const before = this.#heldLength;
    this.#hold(bytes, start, end);
    const held = this.#held;
    const found = endOfHead(held, 0, before, this.#heldLength);
    if (found < 0 && this.#heldLength < section.maxBytes + 2) {
      this.position = end;
      return chunkResult.more;
    }
    const result = section.read(held, 2, this.#heldLength);
    if (result === headResult.incomplete) return this.#refuse(end, 'the trailers are too large');
    return this.#endTrailers(result, start + section.headEnd - before, start);
  }

  #endTrailers(result: number, position: number, start: number): number {
    this.#held = null;
    if (result === headResult.refused)
      return this.#refuse(start, `in the trailers: ${this.#section.problem}`);
    this.trailers = this.#section.plain;
    this.position = position;
    this.#state = state.done;
    return chunkResult.done;
  }

  /** Keeps a trailer section's beginning behind a CRLF, so that its empty line is found as a head's is. */
  #hold(bytes: Buffer, start: number, end: number): void {
    const most = this.#section.maxBytes + 2;
    if (this.#held === null) {
      this.#held = Buffer.allocUnsafeSlow(Math.min(most, Math.max(256, (end - start) * 2 + 2)));
      this.#held[0] = byte.cr;
      this.#held[1] = byte.lf;
      this.#heldLength = 2;
    }
    const take = Math.min(end - start, most - this.#heldLength);
    if (this.#heldLength + take > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(most, (this.#heldLength + take) * 2));
      this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#heldLength, start, start + take);
    this.#heldLength += take;
  }
}

/** qdtext and what a backslash may stand in front of (RFC 9110 5.6.4): no control but HTAB. */
function isQuotable(b: number): boolean {
  return (b >= 0x20 && b !== 0x7f) || b === byte.tab;
}
