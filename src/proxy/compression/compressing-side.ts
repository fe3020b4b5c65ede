import { GatewayCount, limitIndex } from '../../metrics/catalog.ts';
import type { Compression, ContentCoding } from '../../model/http-settings.ts';
import { decodePlain } from '../../protocol/hpack/plain.ts';
import { decodeLines } from '../../protocol/http1/lines.ts';
import { errorCode } from '../../protocol/http2/frames.ts';
import type { Exchange } from '../exchange.ts';
import { faultReply } from '../failures.ts';
import { editAnswer } from '../header-edits.ts';
import type { AnswerHead, Downstream } from '../sides.ts';
import { decideCompression, weakenedEtag } from './decide.ts';
import { type Encoder, flushKind, makeEncoder } from './encoders.ts';

/** Counters by coding. */
const counters = {
  gzip: GatewayCount.COMPRESSED_GZIP,
  br: GatewayCount.COMPRESSED_BR,
  zstd: GatewayCount.COMPRESSED_ZSTD,
} as const satisfies Readonly<Record<ContentCoding, number>>;

/**
 * Compresses the body of an answer between a call and its client's side. zlib works in Node's threads; what it has not taken
 * yet counts as queued, so that a client that is slow (or a compressor) stops the upstream.
 */
export class CompressingSide implements Downstream {
  readonly #inner: Downstream;
  readonly #exchange: Exchange;
  readonly #compression: Compression;
  readonly #coding: ContentCoding | null;
  readonly #knownEtags: string | undefined;
  #encoder: Encoder | null = null;
  /** Bytes that zlib has not taken. */
  #held = 0;
  /** Everything that is written can be read at once: nobody knows when more comes. */
  #flushes = false;
  /** Nothing more will be written. */
  #ending = false;
  #trailers: Buffer | null = null;
  #resetBehind = -1;

  /** @param coding that the client wants, null = none. @param knownEtags its If-None-Match. */
  constructor(
    inner: Downstream,
    exchange: Exchange,
    compression: Compression,
    coding: ContentCoding | null,
    knownEtags: string | undefined,
  ) {
    this.#inner = inner;
    this.#exchange = exchange;
    this.#compression = compression;
    this.#coding = coding;
    this.#knownEtags = knownEtags;
  }

  get queuedBytes(): number {
    return this.#inner.queuedBytes + this.#held;
  }

  sendHead(head: AnswerHead, fin: boolean): void {
    const { status, lines, contentLength } = head;
    if (status < 200) return this.#inner.sendHead(head, fin);
    const fields = (lines ? decodeLines : decodePlain)(head.bytes, 0, head.length);
    if (status === 304 && this.#coding !== null) {
      const edits = weakenedEtag(fields, this.#knownEtags);
      return this.#inner.sendHead(edits === null ? head : editAnswer(edits, head), fin);
    }
    // HEAD is told what GET would be (RFC 9110 9.3.2); any other answer without a body stays as it is.
    const isHead = this.#exchange.method === 'HEAD';
    const length = fin && !isHead ? 0 : contentLength;
    const isEmpty = length === 0;
    const { gateway } = this.#exchange;
    const isFull = this.#coding !== null && gateway.compressions >= gateway.limits.compressions;
    const coding = isFull ? null : this.#coding;
    const plan = isEmpty ? null : decideCompression(status, fields, coding, length, this.#compression);
    if (plan === null) return this.#inner.sendHead(head, fin);
    if (isFull) gateway.metrics.gateway[limitIndex.compressions!]!++;
    const edited = editAnswer(plan.edits, head);
    if (plan.coding === null) return this.#inner.sendHead(edited, fin);
    this.#inner.sendHead({ ...edited, contentLength: -1 }, fin);
    if (!isHead && !fin) this.#begin(plan.coding, contentLength);
  }

  #begin(coding: ContentCoding, length: number): void {
    const encoder = makeEncoder(coding, this.#compression, length);
    this.#encoder = encoder;
    this.#flushes = length < 0;
    const { gateway } = this.#exchange;
    const { metrics, loop } = gateway;
    gateway.compressions++;
    metrics.gateway[counters[coding]]!++;
    encoder.on('data', (bytes: Buffer) => {
      if (this.#encoder === null) return;
      loop.tick();
      metrics.gateway[GatewayCount.COMPRESSION_BYTES_OUT]! += bytes.length;
      this.#inner.sendData(bytes, 0, bytes.length, false);
    });
    encoder.on('end', () => {
      loop.tick();
      this.#finish();
    });
    encoder.on('error', (error: Error) => {
      if (this.#encoder === null) return;
      this.#exchange.gateway.environment.onFault(error);
      this.#exchange.fail(faultReply());
    });
  }

  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    const encoder = this.#encoder;
    if (encoder === null) return this.#inner.sendData(bytes, start, end, fin);
    if (this.#ending) return;
    const length = end - start;
    if (length > 0) {
      this.#exchange.gateway.metrics.gateway[GatewayCount.COMPRESSION_BYTES_IN]! += length;
      this.#held += length;
      // They are the caller's again when this returns.
      encoder.write(Buffer.from(bytes.subarray(start, end)), () => this.#taken(length));
    }
    if (fin) this.#end();
  }

  #taken(length: number): void {
    this.#held -= length;
    if (this.#encoder === null) return;
    const { loop } = this.#exchange.gateway;
    loop.tick();
    if (this.#flushes && this.#held === 0 && !this.#ending) this.#encoder.flush(flushKind(this.#coding!));
    this.#exchange.settleAnswerCredit();
  }

  sendTrailers(block: Buffer, start: number, end: number): void {
    if (this.#encoder === null) return this.#inner.sendTrailers(block, start, end);
    this.#trailers = Buffer.from(block.subarray(start, end));
    this.#end();
  }

  #end(): void {
    this.#ending = true;
    this.#encoder!.end();
  }

  /** zlib has given its last byte. */
  #finish(): void {
    if (this.#encoder === null) return;
    this.#encoder = null;
    this.#exchange.gateway.compressions--;
    const trailers = this.#trailers;
    if (trailers !== null) this.#inner.sendTrailers(trailers, 0, trailers.length);
    else this.#inner.sendData(nothing, 0, 0, true);
    if (this.#resetBehind >= 0) this.#inner.reset(this.#resetBehind);
  }

  sendSwitch(head: AnswerHead, protocol: string): void {
    this.#inner.sendSwitch(head, protocol);
  }

  reset(code: number): void {
    // Behind an answer that is complete for the upstream, and not yet for the client.
    if (code === errorCode.noError && this.#encoder !== null && this.#ending) {
      this.#resetBehind = code;
      return;
    }
    this.close();
    this.#inner.reset(code);
  }

  credit(bytes: number): void {
    this.#inner.credit(bytes);
  }

  /** The call is over: what zlib has is given back at once. */
  close(): void {
    const encoder = this.#encoder;
    if (encoder === null) return;
    this.#encoder = null;
    this.#exchange.gateway.compressions--;
    encoder.destroy();
  }
}

const nothing = Buffer.alloc(0);
