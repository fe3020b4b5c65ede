import { encodePlain, plainFieldRoom, writePlainField } from '../protocol/hpack/plain.ts';
import {
  linesRoom,
  plainRoomForLines,
  writeLinesFromPlain,
  writePlainFromLines,
} from '../protocol/http1/lines.ts';

/** `:status` of each status as it stands in a plain block; made when it is first needed. */
const statusFields: (Buffer | undefined)[] = new Array(600).fill(undefined);

function statusField(status: number): Buffer {
  statusFields[status] ??= Buffer.from(
    encodePlain([{ name: ':status', value: String(status), neverIndexed: false }]),
  );
  return statusFields[status]!;
}

/** What a plain block says of framing and hop, and lines leave to numbers beside them. */
const framingRoom =
  plainFieldRoom('content-length', '9007199254740991') + plainFieldRoom('te', 'trailers') + 16;

/**
 * Heads on their way between two protocols: HTTP/1.1 keeps *lines*, HTTP/2 *plain blocks*, and a head is converted only
 * where the two sides of a call differ. One for a worker; what it wrote is valid until it writes again.
 */
export class HeadForms {
  /** What was written last, from 0 on. */
  bytes: Buffer = Buffer.allocUnsafeSlow(16_384);

  /** The regular fields of a plain block as lines; their length, or -1 when they cannot be lines (RFC 9113 10.3). */
  toLines(block: Buffer, start: number, end: number): number {
    const room = linesRoom(block, start, end);
    if (room < 0) return -1;
    this.#make(room);
    return writeLinesFromPlain(this.bytes, 0, block, start, end);
  }

  /** The fields of a request's lines as a plain block without pseudo-header fields; its length. @param contentLength -1 = none. */
  requestToPlain(
    lines: Buffer,
    start: number,
    end: number,
    contentLength: number,
    teTrailers: boolean,
  ): number {
    this.#make(plainRoomForLines(end - start) + framingRoom);
    let to = writePlainFromLines(this.bytes, 0, lines, start, end, null);
    if (teTrailers) to = writePlainField(this.bytes, to, 'te', 'trailers');
    return this.#contentLength(to, contentLength);
  }

  /** The lines of an answer as a plain block with `:status`; its length. @param contentLength -1 = none. */
  answerToPlain(status: number, lines: Buffer, length: number, contentLength: number): number {
    this.#make(plainRoomForLines(length) + framingRoom);
    const field = statusField(status);
    this.bytes.set(field, 0);
    const to = writePlainFromLines(this.bytes, field.length, lines, 0, length, null);
    return this.#contentLength(to, contentLength);
  }

  #contentLength(at: number, contentLength: number): number {
    return contentLength < 0 ? at : writePlainField(this.bytes, at, 'content-length', String(contentLength));
  }

  #make(room: number): void {
    if (this.bytes.length < room) this.bytes = Buffer.allocUnsafeSlow(room * 2);
  }
}
