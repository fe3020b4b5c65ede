import { chunkHeadBytes, endOfChunks, lastChunk, writeChunkHead } from '../../protocol/http1/chunk-writer.ts';
import { linesRoom, writeLinesFromPlain } from '../../protocol/http1/lines.ts';
import { isTrailerName } from '../../protocol/http1/trailers.ts';

/** Puts bytes behind what a connection is to send. */
export type Append = (bytes: Buffer, start: number, end: number) => void;

const scratch = Buffer.allocUnsafeSlow(chunkHeadBytes);
const lineEnd = Buffer.from('\r\n', 'latin1');

/** Sends a piece of a chunked body (RFC 9112 7.1), and its end with `fin`. */
export function appendChunk(append: Append, bytes: Buffer, start: number, end: number, fin: boolean): void {
  if (end > start) {
    append(scratch, 0, writeChunkHead(scratch, 0, end - start));
    append(bytes, start, end);
    append(lineEnd, 0, lineEnd.length);
  }
  if (fin) append(endOfChunks, 0, endOfChunks.length);
}

/** Ends a chunked body with trailers, a plain block; those that may not be trailers, or cannot be lines, are left out. */
export function appendTrailers(append: Append, block: Buffer, start: number, end: number): void {
  const room = linesRoom(block, start, end);
  const lines = Buffer.allocUnsafe(Math.max(room, 0));
  const to = room < 0 ? -1 : writeLinesFromPlain(lines, 0, block, start, end, isTrailerName);
  append(lastChunk, 0, lastChunk.length);
  if (to > 0) append(lines, 0, to);
  append(lineEnd, 0, lineEnd.length);
}
