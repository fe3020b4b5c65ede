import type { FieldMarks } from '../protocol/hpack/field-marks.ts';
import type { Exchange } from './exchange.ts';

/**
 * Head of an answer on its way to the client, in the form of the side that wrote it; the client's side converts it
 * (`HeadForms`) when it speaks the other protocol. Valid during the call that hands it over.
 */
export interface AnswerHead {
  /** 100 to 599. */
  readonly status: number;
  /** True: `bytes` are lines of HTTP/1.1 (protocol/http1/lines.ts). False: a plain block that begins with `:status`. */
  readonly lines: boolean;
  /** `bytes[0, length)`. */
  readonly bytes: Buffer;
  readonly length: number;
  /** -1 = none. Stands in a plain block, too; never among lines. */
  readonly contentLength: number;
}

/**
 * The client's side of a call, whatever protocol it speaks. Trailers are plain blocks (protocol/hpack/plain.ts);
 * codes of `reset` are those of HTTP/2 (RFC 9113 7), the richest vocabulary.
 */
export interface Downstream {
  /** Bytes of the answer that the client has not taken yet. */
  readonly queuedBytes: number;
  /** A head; one of 1xx is followed by another. */
  sendHead(head: AnswerHead, fin: boolean): void;
  /** The connection (or stream) speaks `protocol` from now on; data is passed as it is, until each side ends. */
  sendSwitch(head: AnswerHead, protocol: string): void;
  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void;
  sendTrailers(block: Buffer, start: number, end: number): void;
  /** Ends the call. NO_ERROR behind a complete answer: no more of the request is wanted. */
  reset(code: number): void;
  /** The client may send so many bytes more. */
  credit(bytes: number): void;
}

/** The upstream's side of a call. */
export interface Upstream {
  readonly queuedBytes: number;
  /** The request may have to be sent again on another connection: what of it is short is kept until the answer begins. */
  readonly mayReturn: boolean;
  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void;
  /** Ends the request with trailers, a plain block. */
  sendTrailers(block: Buffer, start: number, end: number): void;
  /** The call is over for the gateway: the upstream is told (code of RFC 9113 7), and nothing more comes from it. */
  cancel(code: number): void;
  credit(bytes: number): void;
}

/** A connection to an upstream that can take calls. */
export interface UpstreamConnection {
  /** Calls can become another protocol on it (HTTP/2: the peer has said so, RFC 8441 3). */
  readonly takesUpgrades: boolean;
  /** Sends the head of the exchange's request and returns the side that goes on with it. */
  open(exchange: Exchange, head: OutgoingHead): Upstream;
}

/** A request's head, ready to be written. One object for all calls of a worker; valid during `open` only. */
export interface OutgoingHead {
  /** HTTP/2: `:method`, `:scheme`, `:path`, `:authority`, encoded. HTTP/1.1: request line and Host. */
  line: Buffer;
  /** The other fields, in the form of the upstream's protocol: a plain block or lines. */
  bytes: Buffer;
  start: number;
  end: number;
  /** The decoder's marks of long fields, or null when the plain form has to be written. */
  marks: FieldMarks | null;
  /** Of the body; -1 = not known. Stands in a plain block, too; never among lines. */
  contentLength: number;
  /** The protocol that the call asks to go on in, or ''; then the head ends the request unless the upstream agrees. */
  upgrade: string;
  fin: boolean;
}
