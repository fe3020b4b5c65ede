import type { FieldMarks } from '../protocol/hpack/field-marks.ts';
import type { Exchange } from './exchange.ts';

/**
 * The client's side of a call, whatever protocol it speaks. Heads and trailers are plain blocks
 * (protocol/hpack/plain.ts); codes of `reset` are those of HTTP/2 (RFC 9113 7), the richest vocabulary.
 */
export interface Downstream {
  /** Bytes of the answer that the client has not taken yet. */
  readonly queuedBytes: number;
  /** The client has sent its whole request. */
  readonly remoteEnded: boolean;
  sendHead(block: Buffer, start: number, end: number, fin: boolean): void;
  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void;
  sendTrailers(block: Buffer, start: number, end: number): void;
  reset(code: number): void;
  /** The client may send so many bytes more. */
  credit(bytes: number): void;
}

/** The upstream's side of a call. */
export interface Upstream {
  readonly queuedBytes: number;
  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void;
  sendTrailers(block: Buffer, start: number, end: number): void;
  /** The call is over for the gateway: the upstream is told (code of RFC 9113 7), and nothing more comes from it. */
  cancel(code: number): void;
  credit(bytes: number): void;
}

/** A connection to an upstream that can take calls. */
export interface UpstreamConnection {
  /** Sends the head of the exchange's request and returns the side that goes on with it. */
  open(exchange: Exchange, head: OutgoingHead): Upstream;
}

/** A request's head, ready to be written. One object for all calls of a worker; valid during `open` only. */
export interface OutgoingHead {
  /** `:method`, `:scheme`, `:path`, `:authority`, encoded. */
  line: Buffer;
  plain: Buffer;
  start: number;
  end: number;
  /** The decoder's marks of long fields, or null when the plain form has to be written. */
  marks: FieldMarks | null;
  fin: boolean;
}
