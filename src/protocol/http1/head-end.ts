import { byte } from './byte-classes.ts';

/**
 * Says cheaply whether it is worth reading a head that was incomplete before: looks at the bytes `[from, end)` that are
 * new, and at three in front of them, for the empty line, or for a line end that is none (LF or CR alone), which is
 * refused without waiting for more. So a head that comes byte by byte costs linear time.
 * Returns the position behind what was found, or -1. A head that grows past its limit has to be read, too.
 */
export function endOfHead(bytes: Buffer, start: number, from: number, end: number): number {
  for (let i = Math.max(from, start); i < end; i++) {
    if (bytes[i] !== byte.lf) {
      if (i > start && bytes[i - 1] === byte.cr) return i + 1;
      continue;
    }
    if (i === start || bytes[i - 1] !== byte.cr) return i + 1;
    if (i - 3 >= start && bytes[i - 2] === byte.lf && bytes[i - 3] === byte.cr) return i + 1;
  }
  return -1;
}
