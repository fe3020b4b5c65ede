import { statusLine } from '../../protocol/http1/start-lines.ts';
import type { HeadForms } from '../head-forms.ts';
import type { AnswerHead } from '../sides.ts';
import { type Append, appendChunk, appendTrailers } from './chunked.ts';

/** How the body of the answer is delimited. */
const framing = { none: 0, length: 1, chunked: 2, untilClose: 3 } as const;

const keepAliveLine = Buffer.from('connection: keep-alive\r\n', 'latin1');
const closeLine = Buffer.from('connection: close\r\n', 'latin1');
const chunkedLine = Buffer.from('transfer-encoding: chunked\r\n', 'latin1');
const contentLengthStart = 'content-length: ';
const emptyLine = Buffer.from('\r\n', 'latin1');
/** The lines of both heads of an upgrade, and the empty one (RFC 9110 7.8). @param protocol valid tokens. */
export function upgradeLines(protocol: string): Buffer {
  return Buffer.from(`connection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`, 'latin1');
}

/** `content-length: N` of small answers, made when first needed. */
const lengthLines: (Buffer | undefined)[] = new Array(4096).fill(undefined);

function lengthLine(length: number): Buffer {
  if (length >= lengthLines.length) return Buffer.from(`${contentLengthStart}${length}\r\n`, 'latin1');
  lengthLines[length] ??= Buffer.from(`${contentLengthStart}${length}\r\n`, 'latin1');
  return lengthLines[length]!;
}

/**
 * Writes answers as HTTP/1.1 (RFC 9112). Framing and hop are written anew from what was understood: content-length where
 * it is known, chunked where the client knows it, else the end of the connection.
 */
export class AnswerWriter {
  /** The connection may go on behind this answer. */
  keepAlive = true;
  readonly #forms: HeadForms;
  readonly #append: Append;
  #method = '';
  #minor = 1;
  #framing: number = framing.none;

  constructor(forms: HeadForms, append: Append) {
    this.#forms = forms;
    this.#append = append;
  }

  /** The next answer is for a request with this method, of HTTP/1.`minor`. */
  begin(method: string, minor: number): void {
    this.#method = method;
    this.#minor = minor;
    this.#framing = framing.none;
  }

  /** A 1xx head; clients of HTTP/1.0 know none (RFC 9110 15.2). */
  info(head: AnswerHead): void {
    if (this.#minor === 0) return;
    const length = this.#lines(head);
    if (length < 0) return;
    this.#piece(statusLine(head.status));
    this.#append(head.lines ? head.bytes : this.#forms.bytes, 0, length);
    this.#piece(emptyLine);
  }

  /**
   * The head of the answer; -1 when a field cannot be said in HTTP/1.1, and nothing was written.
   * @param keepAlive the connection should go on; see {@link keepAlive} for whether it can.
   */
  head(head: AnswerHead, fin: boolean, keepAlive: boolean): number {
    const length = this.#lines(head);
    if (length < 0) return -1;
    const { status, contentLength } = head;
    this.keepAlive = keepAlive;
    const bodiless = this.#method === 'HEAD' || status === 204 || status === 304;
    if (bodiless) this.#framing = framing.none;
    else if (contentLength >= 0 || fin) this.#framing = framing.length;
    else if (this.#minor === 1) this.#framing = framing.chunked;
    else {
      this.#framing = framing.untilClose;
      this.keepAlive = false;
    }
    this.#piece(statusLine(status));
    this.#append(head.lines ? head.bytes : this.#forms.bytes, 0, length);
    if (this.#framing === framing.length) this.#piece(lengthLine(Math.max(contentLength, 0)));
    else if (this.#framing === framing.chunked) this.#piece(chunkedLine);
    else if (bodiless && contentLength >= 0 && status !== 204) this.#piece(lengthLine(contentLength));
    if (!this.keepAlive) this.#piece(closeLine);
    else if (this.#minor === 0) this.#piece(keepAliveLine);
    this.#piece(emptyLine);
    return 0;
  }

  /** 101 (RFC 9110 15.2.2): what follows is written as it is. -1 as in {@link head}. */
  switch(head: AnswerHead, protocol: string): number {
    const length = this.#lines(head);
    if (length < 0) return -1;
    this.#framing = framing.untilClose;
    this.#piece(statusLine(101));
    this.#append(head.lines ? head.bytes : this.#forms.bytes, 0, length);
    this.#piece(upgradeLines(protocol));
    return 0;
  }

  #lines(head: AnswerHead): number {
    return head.lines ? head.length : this.#forms.toLines(head.bytes, 0, head.length);
  }

  /** Body bytes. */
  data(bytes: Buffer, start: number, end: number, fin: boolean): void {
    if (this.#framing === framing.none) return;
    if (this.#framing !== framing.chunked) return this.#append(bytes, start, end);
    appendChunk(this.#append, bytes, start, end, fin);
  }

  /** Ends the body with trailers, a plain block; only a chunked body can have them (RFC 9112 7.1.2). */
  trailers(block: Buffer, start: number, end: number): void {
    if (this.#framing === framing.chunked) appendTrailers(this.#append, block, start, end);
  }

  #piece(bytes: Buffer): void {
    this.#append(bytes, 0, bytes.length);
  }
}
