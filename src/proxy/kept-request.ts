import type { Arena, Chunk } from '../protocol/hpack/arena.ts';
import { CallCounts } from './call-counts.ts';
import { DataQueue } from './data-queue.ts';

/** Most of a body that is kept for another try. */
const mostKeptBody = 65_536;

/**
 * The head and first bytes of a call's request, for as long as they may have to be sent (again): the base of
 * `Exchange`, so that a call stays one object. They lie where the decoder wrote them, in the arena.
 */
export abstract class KeptRequest extends CallCounts {
  readonly #arena: Arena;
  /** Null when nothing is kept any more. */
  protected chunk: Chunk | null;
  protected headStart: number;
  protected headEnd: number;
  protected bodyEnd: number;
  /** How far the body may grow where it is. */
  #bodyRoom: number;
  /** Body that came while there was no upstream and that is too long to be kept. */
  protected heldBody: DataQueue | null = null;
  protected trailers: Buffer | null = null;

  /**
   * @param chunk memory that the head lies in, already counted as live.
   * @param reserved bytes behind the head that are free for the beginning of the body.
   */
  constructor(
    grpc: boolean,
    startedAt: number,
    arena: Arena,
    chunk: Chunk,
    headStart: number,
    headEnd: number,
    reserved: number,
  ) {
    super(grpc, startedAt);
    this.#arena = arena;
    this.chunk = chunk;
    this.headStart = headStart;
    this.headEnd = headEnd;
    this.bodyEnd = headEnd;
    this.#bodyRoom = headEnd + reserved;
  }

  /** Keeps another head in place of the one that came; nothing of the body has come yet. */
  protected replaceHead(head: Buffer): void {
    const own = this.#arena.own(head.length + 512);
    head.copy(own.bytes);
    this.#arena.release(this.chunk!);
    this.chunk = own;
    this.headStart = 0;
    this.headEnd = head.length;
    this.bodyEnd = head.length;
    this.#bodyRoom = own.bytes.length;
  }

  /** Keeps body bytes behind the head for another try; false when they are too many. */
  protected keepBody(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start;
    if (this.bodyEnd - this.headEnd + length > mostKeptBody) return false;
    if (this.bodyEnd + length > this.#bodyRoom) this.#moveBody(length);
    const target = this.chunk!.bytes;
    if (length < 24) for (let i = 0; i < length; i++) target[this.bodyEnd + i] = bytes[start + i]!;
    else target.set(bytes.subarray(start, end), this.bodyEnd);
    this.bodyEnd += length;
    return true;
  }

  /** Keeps body bytes of a call that has no upstream yet, however many (the stream's window bounds them). */
  protected holdBody(bytes: Buffer, start: number, end: number): void {
    if (this.heldBody === null && this.keepBody(bytes, start, end)) return;
    this.heldBody ??= new DataQueue();
    this.heldBody.push(bytes, start, end);
  }

  /** The place behind the kept bytes is full: they move to memory of their own, with room to grow. */
  #moveBody(more: number): void {
    const before = this.chunk!;
    const length = this.bodyEnd - this.headStart;
    const own = this.#arena.own(length + more);
    before.bytes.copy(own.bytes, 0, this.headStart, this.bodyEnd);
    this.#arena.release(before);
    this.chunk = own;
    this.#bodyRoom = own.bytes.length;
    this.headEnd -= this.headStart;
    this.bodyEnd = length;
    this.headStart = 0;
  }

  /** Nothing needs to be sent again. */
  protected release(): void {
    if (this.chunk === null) return;
    this.#arena.release(this.chunk);
    this.chunk = null;
  }
}
