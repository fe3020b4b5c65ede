import { errorCode, frameHeaderBytes, frameType, writeFrameHeader } from '../../protocol/http2/frames.ts';

const reason = Buffer.from('no HTTP/2 preface');
/** The answer to a preface that is none behind its first line: GOAWAY with PROTOCOL_ERROR (RFC 9113 3.4). */
export const noPreface: Buffer = Buffer.alloc(frameHeaderBytes + 8 + reason.length);
writeFrameHeader(noPreface, 0, 8 + reason.length, frameType.goaway, 0, 0);
noPreface.writeUInt32BE(errorCode.protocolError, frameHeaderBytes + 4);
reason.copy(noPreface, frameHeaderBytes + 8);
