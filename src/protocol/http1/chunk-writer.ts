/** Bytes of a chunk's size line at most. */
export const chunkHeadBytes = 16;

/** The end of a chunked body without trailers. With them: `lastChunk`, their lines, CRLF. */
export const endOfChunks: Buffer = Buffer.from('0\r\n\r\n', 'latin1');
export const lastChunk: Buffer = Buffer.from('0\r\n', 'latin1');

const hex = '0123456789abcdef';

/**
 * Writes the size line of a chunk of `length` bytes, 1 and more (0 would end the body); returns the position behind it.
 * The data goes behind it, and CRLF behind that.
 */
export function writeChunkHead(target: Buffer, at: number, length: number): number {
  let shift = 0;
  while (length >>> shift > 15 && shift < 28) shift += 4;
  let to = at;
  for (; shift >= 0; shift -= 4) target[to++] = hex.charCodeAt((length >>> shift) & 15);
  target[to++] = 0x0d;
  target[to++] = 0x0a;
  return to;
}
