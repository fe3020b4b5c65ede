import { describe, expect, it } from 'vitest';
import { reasonIndex } from '../metrics/catalog.ts';
import { decodePlain } from '../protocol/hpack/plain.ts';
import { grpcReplyHead, grpcTrailersBlock, httpReply, localReply } from './local-reply.ts';

const fieldsOf = (block: Buffer): Record<string, string> =>
  Object.fromEntries(decodePlain(block, 0, block.length).map(({ name, value }) => [name, value]));

const reply = localReply(503, 14, 'no_endpoint', 'the service 灰 has no ready endpoint');

describe('answers of the gateway’s own', () => {
  it('are one head for gRPC: HTTP 200, status, message, reason', () => {
    expect(fieldsOf(grpcReplyHead(reply).bytes)).toEqual({
      ':status': '200',
      'content-type': 'application/grpc',
      'grpc-status': '14',
      'grpc-message': 'the service %E7%81%B0 has no ready endpoint',
      'x-serin-reason': 'no_endpoint',
      date: expect.stringMatching(/ GMT$/),
    });
    expect(reply.reason).toBe(reasonIndex.no_endpoint);
  });

  it('are trailers behind an answer that has begun', () => {
    expect(Object.keys(fieldsOf(grpcTrailersBlock(reply)))).toEqual(['grpc-status', 'grpc-message']);
  });

  it('are a line of text for all others, with its length in bytes', () => {
    const { head, body } = httpReply(reply);
    expect(body.toString()).toBe('the service 灰 has no ready endpoint\n');
    expect(fieldsOf(head.bytes)).toEqual({
      ':status': '503',
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(Buffer.byteLength('the service 灰 has no ready endpoint\n')),
      'x-serin-reason': 'no_endpoint',
      date: expect.stringMatching(/ GMT$/),
    });
  });

  it('say where a redirect goes', () => {
    const { head } = httpReply(localReply(301, 14, 'none', 'moved', 'https://host/a'));
    expect(fieldsOf(head.bytes)).toMatchObject({ ':status': '301', location: 'https://host/a' });
  });
});
