import { errorCode, frameHeaderBytes, frameType, writeFrameHeader } from '../../protocol/http2/frames.ts';

/** Bytes of a first line that are waited for. */
export const mostFirstLine = 8192;

/** What a connection without the preface of HTTP/2 begins with, so far: an HTTP/1.x request, or something else. */
export function readFirstLine(begin: string): 'request' | 'incomplete' | 'other' {
  const line = begin.trimStart();
  if (/^[A-Z]{1,20} \S+ HTTP\/1\.\d\r?\n/.test(line)) return 'request';
  const mayBecome = /^[A-Z]{1,20}( |$)/.test(line) && !line.includes('\n');
  return mayBecome && begin.length < mostFirstLine ? 'incomplete' : 'other';
}

const notServed =
  'this port speaks HTTP/2 with prior knowledge (gRPC over cleartext); HTTP/1.1 is not served yet\n';
/** The answer to an HTTP/1.x request. */
export const versionNotSupported: Buffer = Buffer.from(
  [
    'HTTP/1.1 505 HTTP Version Not Supported',
    'content-type: text/plain',
    `content-length: ${notServed.length}`,
    'connection: close',
    'x-serin-reason: not_implemented',
    '',
    notServed,
  ].join('\r\n'),
);

const reason = Buffer.from('no HTTP/2 preface');
/** The answer to anything else: GOAWAY with PROTOCOL_ERROR (RFC 9113 3.4). */
export const noPreface: Buffer = Buffer.alloc(frameHeaderBytes + 8 + reason.length);
writeFrameHeader(noPreface, 0, 8 + reason.length, frameType.goaway, 0, 0);
noPreface.writeUInt32BE(errorCode.protocolError, frameHeaderBytes + 4);
reason.copy(noPreface, frameHeaderBytes + 8);
