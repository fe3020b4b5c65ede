import { type ReasonName, reasonIndex } from '../metrics/catalog.ts';
import { encodeGrpcMessage } from '../protocol/grpc/status.ts';
import { encodePlain, type PlainField } from '../protocol/hpack/plain.ts';
import { httpDate } from './http-date.ts';
import type { AnswerHead } from './sides.ts';

/** An answer that the gateway gives itself. */
export interface LocalReply {
  readonly status: number;
  readonly grpcStatus: number;
  readonly reason: number;
  readonly reasonName: string;
  readonly message: string;
  /** Where a redirect goes to; null otherwise. */
  readonly location: string | null;
}

/** Makes a reply; `status` for HTTP, `grpcStatus` for gRPC clients (who get HTTP 200 with it). */
export function localReply(
  status: number,
  grpcStatus: number,
  reason: ReasonName,
  message: string,
  location: string | null = null,
): LocalReply {
  return { status, grpcStatus, reason: reasonIndex[reason]!, reasonName: reason, message, location };
}

/** The head of a reply to a gRPC call: one block, "Trailers-Only" of gRPC over HTTP/2. */
export function grpcReplyHead(reply: LocalReply): AnswerHead {
  return plainHead(
    200,
    -1,
    fields([
      [':status', '200'],
      ['content-type', 'application/grpc'],
      ['grpc-status', String(reply.grpcStatus)],
      ['grpc-message', encodeGrpcMessage(reply.message)],
      ['x-serin-reason', reply.reasonName],
      ['date', httpDate()],
    ]),
  );
}

/** Trailers that end a gRPC answer which has begun. */
export function grpcTrailersBlock(reply: LocalReply): Buffer {
  return encodePlain(
    fields([
      ['grpc-status', String(reply.grpcStatus)],
      ['grpc-message', encodeGrpcMessage(reply.message)],
    ]),
  );
}

/** Head and body of a reply to any other request: one line of plain text. */
export function httpReply(reply: LocalReply): { readonly head: AnswerHead; readonly body: Buffer } {
  const body = Buffer.from(reply.message === '' ? '' : `${reply.message}\n`, 'utf8');
  const head: [string, string][] = [
    [':status', String(reply.status)],
    ['content-type', 'text/plain; charset=utf-8'],
    ['content-length', String(body.length)],
    ['x-serin-reason', reply.reasonName],
    ['date', httpDate()],
  ];
  if (reply.location !== null) head.push(['location', reply.location]);
  return { head: plainHead(reply.status, body.length, fields(head)), body };
}

function plainHead(status: number, contentLength: number, list: ReturnType<typeof fields>): AnswerHead {
  const bytes = encodePlain(list);
  return { status, lines: false, bytes, length: bytes.length, contentLength };
}

function fields(pairs: [string, string][]): Pick<PlainField, 'name' | 'value' | 'neverIndexed'>[] {
  return pairs.map(([name, value]) => ({ name, value, neverIndexed: false }));
}
