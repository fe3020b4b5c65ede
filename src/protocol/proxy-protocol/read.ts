import { incomplete, type ProxyHeader } from './header.ts';
import { readProxyV1 } from './v1.ts';
import { readProxyV2 } from './v2.ts';

/**
 * Reads the PROXY protocol's header (HAProxy's proxy-protocol.txt 2) that begins at `start`, of either version, strictly:
 * what is no header is refused with the first byte that shows it, and nothing is guessed. Only to be called for peers
 * that are trusted to send one, and always then: without a header a connection must not go on (2, 5).
 */
export function readProxyHeader(bytes: Buffer, start: number, end: number): ProxyHeader {
  if (start >= end) return incomplete;
  return bytes[start] === 0x0d ? readProxyV2(bytes, start, end) : readProxyV1(bytes, start, end);
}
