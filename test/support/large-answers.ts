import { readFileSync } from 'node:fs';
import type http from 'node:http';

const piece = Buffer.alloc(64 * 1024, 0x61);

/** A handler that answers /N with N bytes, as fast as they are taken. */
export function answerOfLength(request: http.IncomingMessage, response: http.ServerResponse): void {
  let left = Number(request.url!.slice(1));
  response.setHeader('content-length', left);
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      const length = Math.min(left, piece.length);
      left -= length;
      if (!response.write(piece.subarray(0, length))) return void response.once('drain', more);
    }
    if (!response.destroyed) response.end();
  };
  more();
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}
