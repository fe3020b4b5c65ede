import { encodePlain } from '../protocol/hpack/plain.ts';
import { encodeLines } from '../protocol/http1/lines.ts';
import { editAnswer } from './header-edits.ts';
import type { AnswerHead } from './sides.ts';

const name = 'x-envoy-upstream-service-time';
const mostKept = 4096;
const plain: (Buffer | undefined)[] = new Array(mostKept).fill(undefined);
const lines: (Buffer | undefined)[] = new Array(mostKept).fill(undefined);

function made(asLines: boolean, ms: number): Buffer {
  const value = String(ms);
  return asLines ? encodeLines([{ name, value }]) : encodePlain([{ name, value, neverIndexed: false }]);
}

function fieldOf(asLines: boolean, ms: number): Buffer {
  if (ms >= mostKept) return made(asLines, ms);
  const kept = asLines ? lines : plain;
  kept[ms] ??= made(asLines, ms);
  return kept[ms]!;
}

/** The name as others write it: in lines, and in a plain block raw or as Huffman code. */
const spellings: readonly Buffer[] = [Buffer.from(name), made(false, 0).subarray(1, -2)];

let scratch = Buffer.allocUnsafeSlow(4096);
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
const head: Mutable<AnswerHead> = { status: 0, lines: false, bytes: scratch, length: 0, contentLength: -1 };

/**
 * An answer's head with Envoy's x-envoy-upstream-service-time in place of another's; valid until the next one.
 * @param ms from the request's head going out to the answer's coming in.
 */
export function withServiceTime(answer: AnswerHead, ms: number): AnswerHead {
  const value = Math.max(0, Math.round(ms));
  const { length } = answer;
  const bytes = length === answer.bytes.length ? answer.bytes : answer.bytes.subarray(0, length);
  // An Envoy in front of the service has said it already.
  if (bytes.includes(spellings[0]!) || (!answer.lines && bytes.includes(spellings[1]!))) {
    return editAnswer({ remove: [], add: [{ name, value: String(value), append: false }] }, answer);
  }
  const field = fieldOf(answer.lines, value);
  if (scratch.length < length + field.length) scratch = Buffer.allocUnsafeSlow((length + field.length) * 2);
  scratch.set(bytes, 0);
  scratch.set(field, length);
  head.status = answer.status;
  head.lines = answer.lines;
  head.bytes = scratch;
  head.length = length + field.length;
  head.contentLength = answer.contentLength;
  return head;
}
