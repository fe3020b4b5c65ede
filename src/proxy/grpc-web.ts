import type { HeaderEdits } from '../model/backend.ts';
import { grpcStatus } from '../protocol/grpc/status.ts';
import { Base64Decoder, decodedRoom } from '../protocol/grpc-web/base64-decoder.ts';
import { Base64Encoder, encodedRoom } from '../protocol/grpc-web/base64-encoder.ts';
import {
  answerType,
  type GrpcWebType,
  grpcContentType,
  grpcWebContentType,
  grpcWebType,
} from '../protocol/grpc-web/content-type.ts';
import { trailersFrameRoom, writeTrailersFrame } from '../protocol/grpc-web/trailers-frame.ts';
import { editHead } from './header-edits.ts';
import { grpcTrailersBlock, localReply } from './local-reply.ts';
import type { AnswerHead, Downstream } from './sides.ts';

/**
 * A client of gRPC-Web (PROTOCOL-WEB.md) towards a gRPC upstream: its body may be base64, and the trailers of the answer
 * come as a last frame of the body, because browsers show no trailers. It stands between the call and the client's side.
 */
export class GrpcWebSide implements Downstream {
  /** What {@link decode} has written, from 0 on. */
  bytes: Buffer = nothing;
  readonly #inner: Downstream;
  readonly #request: GrpcWebType;
  readonly #answer: GrpcWebType;
  readonly #decoder: Base64Decoder | null;
  readonly #encoder: Base64Encoder | null;

  private constructor(inner: Downstream, request: GrpcWebType, answer: GrpcWebType) {
    this.#inner = inner;
    this.#request = request;
    this.#answer = answer;
    this.#decoder = request.text ? new Base64Decoder() : null;
    this.#encoder = answer.text ? new Base64Encoder() : null;
  }

  /** Null when the call is none of gRPC-Web. @param contentType @param accept as the client has sent them. */
  static of(inner: Downstream, contentType: string, accept: string): GrpcWebSide | null {
    const type = grpcWebType(contentType);
    return type === null ? null : new GrpcWebSide(inner, type, answerType(type, accept));
  }

  /** The head of the gRPC request that it becomes. @param lines the head is kept as lines. */
  requestHead(bytes: Buffer, start: number, end: number, lines: boolean): Buffer {
    const add = [{ name: 'content-type', value: grpcContentType(this.#request), append: false }];
    // Lines get theirs when they are converted: HTTP/1.1 has a meaning of its own for it.
    if (!lines) add.push({ name: 'te', value: 'trailers', append: false });
    const edits: HeaderEdits = { remove: ['content-length'], add };
    return editHead(edits, bytes, start, end, lines);
  }

  /** True when the bytes that come are not the gRPC message frames themselves. */
  get decodes(): boolean {
    return this.#decoder !== null;
  }

  /** Decodes body bytes to {@link bytes}; their number, or -1 when they are no base64. @param fin nothing follows. */
  decode(bytes: Buffer, start: number, end: number, fin: boolean): number {
    const decoder = this.#decoder!;
    const room = decodedRoom(end - start);
    if (this.bytes.length < room) this.bytes = Buffer.allocUnsafe(room);
    const length = decoder.decode(bytes, start, end, this.bytes, 0);
    if (length < 0 || (fin && !decoder.complete)) return -1;
    // The client's window is about what it sends.
    this.#inner.credit(end - start - length);
    return length;
  }

  get queuedBytes(): number {
    return this.#inner.queuedBytes;
  }

  sendHead(head: AnswerHead, fin: boolean): void {
    if (head.status < 200) return this.#inner.sendHead(head, fin);
    const edits: HeaderEdits = {
      remove: ['content-length'],
      add: [{ name: 'content-type', value: grpcWebContentType(this.#answer), append: false }],
    };
    const { status, lines } = head;
    const bytes = editHead(edits, head.bytes, 0, head.length, lines);
    this.#inner.sendHead({ status, lines, bytes, length: bytes.length, contentLength: -1 }, fin);
  }

  sendSwitch(head: AnswerHead, protocol: string): void {
    this.#inner.sendSwitch(head, protocol);
  }

  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    const encoder = this.#encoder;
    if (encoder === null) return this.#inner.sendData(bytes, start, end, fin);
    const text = Buffer.allocUnsafe(encodedRoom(end - start) + 4);
    // Padding may stand wherever a server flushes: the client gets whole messages as they come.
    const to = encoder.flush(text, encoder.encode(bytes, start, end, text, 0));
    this.#inner.sendData(text, 0, to, fin);
  }

  sendTrailers(block: Buffer, start: number, end: number): void {
    const room = trailersFrameRoom(block, start, end);
    const frame = Buffer.allocUnsafe(Math.max(room, 0));
    const to = room < 0 ? -1 : writeTrailersFrame(frame, 0, block, start, end);
    if (to >= 0) return this.sendData(frame, 0, to, true);
    const broken = localReply(
      502,
      grpcStatus.internal,
      'protocol_error',
      'the upstream sent faulty trailers',
    );
    const ours = grpcTrailersBlock(broken);
    this.sendTrailers(ours, 0, ours.length);
  }

  reset(code: number): void {
    this.#inner.reset(code);
  }

  credit(bytes: number): void {
    this.#inner.credit(bytes);
  }
}

const nothing = Buffer.alloc(0);
