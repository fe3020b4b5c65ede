import { bodyRule } from '../../protocol/http1/body-rule.ts';
import { ChunkReader, chunkResult, type DataSink } from '../../protocol/http1/chunks.ts';
import type { TrailerSection } from '../../protocol/http1/trailers.ts';

/** Who gets the bytes of a body; `fin`: these are the last ones, and no trailers follow. */
export type BodyTaker = (bytes: Buffer, start: number, end: number, fin: boolean) => void;

const noBytes = Buffer.alloc(0);

/** The body of the message that is read on a connection, however it is delimited (RFC 9112 6.3). */
export class MessageBody implements DataSink {
  /** One of {@link bodyRule}. */
  rule: number = bodyRule.none;
  /** Bytes that a content-length still promises; 0 where none does. */
  left = 0;
  /** Position behind what was read last. */
  position = 0;
  readonly #section: TrailerSection;
  readonly #take: BodyTaker;
  #chunks: ChunkReader | null = null;

  /** @param section the worker's reader of trailers. */
  constructor(section: TrailerSection, take: BodyTaker) {
    this.#section = section;
    this.#take = take;
  }

  /** The next body. @param contentLength counts for `bodyRule.length` only. */
  begin(rule: number, contentLength: number): void {
    this.rule = rule;
    this.left = rule === bodyRule.length ? contentLength : 0;
    if (rule !== bodyRule.chunked) return;
    this.#chunks ??= new ChunkReader(this.#section);
    this.#chunks.reset();
  }

  /** Trailers that ended a chunked body, a plain block; null when there were none. */
  get trailers(): Buffer | null {
    return this.rule === bodyRule.chunked ? this.#chunks!.trailers : null;
  }

  /** Why a chunked body was refused. */
  get problem(): string {
    return this.#chunks?.problem ?? '';
  }

  /**
   * Reads on in `bytes[from, end)` and gives on what is there; one of {@link chunkResult}. At the end of a body without
   * trailers the taker has got its `fin`; with trailers it is the caller's to pass them on.
   */
  read(bytes: Buffer, from: number, end: number): number {
    if (this.rule === bodyRule.chunked) {
      const chunks = this.#chunks!;
      const result = chunks.read(bytes, from, end, this);
      this.position = result === chunkResult.more ? end : chunks.position;
      if (result === chunkResult.done && chunks.trailers === null) this.#take(noBytes, 0, 0, true);
      return result;
    }
    const known = this.rule === bodyRule.length;
    const to = known ? Math.min(end, from + this.left) : end;
    if (known) this.left -= to - from;
    const fin = known && this.left === 0;
    this.position = to;
    this.#take(bytes, from, to, fin);
    return fin ? chunkResult.done : chunkResult.more;
  }

  /** Data of a chunked body. */
  onBodyData(bytes: Buffer, start: number, end: number): void {
    this.#take(bytes, start, end, false);
  }
}
