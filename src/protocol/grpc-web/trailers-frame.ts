import { linesRoom, writeLinesFromPlain } from '../http1/lines.ts';

/** The bit of a frame's first byte that says that trailers are in it (PROTOCOL-WEB.md, "Message framing"). */
const trailersFlag = 0x80;
/** Flags, and four bytes of length. */
const prefixBytes = 5;

/** Bytes that the frame of a plain block needs at most; -1 when it is none. */
export function trailersFrameRoom(block: Buffer, start: number, end: number): number {
  const room = linesRoom(block, start, end);
  return room < 0 ? -1 : prefixBytes + room;
}

/**
 * Writes the frame that ends the body of an answer: flags, length and the trailers as `name: value CRLF`, names in lower
 * case, without an empty line. Takes a plain block as it came from a gRPC server (whose names are in lower case, RFC 9113
 * 8.2.1); values of `-bin` fields stay in base64, as every known client expects. Returns the position behind the frame;
 * -1 when the block cannot be read or has what would be another line. There must be room for {@link trailersFrameRoom}.
 */
export function writeTrailersFrame(
  target: Buffer,
  at: number,
  block: Buffer,
  start: number,
  end: number,
): number {
  const from = at + prefixBytes;
  const to = writeLinesFromPlain(target, from, block, start, end);
  if (to < 0) return -1;
  target[at] = trailersFlag;
  target.writeUInt32BE(to - from, at + 1);
  return to;
}
