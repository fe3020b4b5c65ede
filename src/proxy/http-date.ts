import { encodePlain } from '../protocol/hpack/plain.ts';
import type { AnswerHead } from './sides.ts';

let second = Number.NaN;
let text = '';
let line: Buffer = Buffer.alloc(0);
let field: Buffer = Buffer.alloc(0);

function follow(): void {
  const now = Math.floor(Date.now() / 1000);
  if (now === second) return;
  second = now;
  // What ECMAScript says of it is RFC 9110's IMF-fixdate.
  text = new Date(now * 1000).toUTCString();
  line = Buffer.from(`date: ${text}\r\n`, 'latin1');
  field = encodePlain([{ name: 'date', value: text, neverIndexed: false }]);
}

/** The time as `date` says it (RFC 9110 5.6.7), made once a second. */
export function httpDate(): string {
  follow();
  return text;
}

/** Bytes of a `date` line of HTTP/1.1. */
export const dateLineBytes = 37;

/** Writes a `date` line behind the lines of an answer that has none (RFC 9110 6.6.1); there must be room. Returns the end. */
export function writeDateLine(target: Buffer, at: number): number {
  follow();
  return at + line.copy(target, at);
}

/** The head, a plain block, of an answer that has no `date`, with one. */
export function withDate({ status, bytes, length, contentLength }: AnswerHead): AnswerHead {
  follow();
  const dated = Buffer.concat([bytes.subarray(0, length), field]);
  return { status, lines: false, bytes: dated, length: dated.length, contentLength };
}
