import { createHash, randomBytes } from 'node:crypto';
import type { HeaderEdits } from '../model/backend.ts';
import { editHead } from './header-edits.ts';
import type { AnswerHead } from './sides.ts';

/**
 * A WebSocket opens with an upgrade in HTTP/1.1 (RFC 6455 4) and with an extended CONNECT in HTTP/2 (RFC 8441), which
 * has neither key nor accept. What both handshakes share is bridged here; the frames behind them are nobody's business.
 */

/** Fields that HTTP/2's handshake does without (RFC 8441 5.1). */
export const withoutKey: HeaderEdits = { remove: ['sec-websocket-key', 'sec-websocket-accept'], add: [] };

/** A handshake of HTTP/1.1 on behalf of a client that sent none: a key of 16 random bytes (RFC 6455 4.1). */
export function withKey(): HeaderEdits {
  const value = randomBytes(16).toString('base64');
  return { remove: ['sec-websocket-key'], add: [{ name: 'sec-websocket-key', value, append: true }] };
}

/** The answer to a client's key (RFC 6455 4.2.2). */
function withAccept(key: string): HeaderEdits {
  const value = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return { remove: ['sec-websocket-accept'], add: [{ name: 'sec-websocket-accept', value, append: true }] };
}

/** The one of the client's protocols (RFC 9110 7.8: in its order) that the Mapping allows; '' = none. */
export function allowedUpgrade(offered: string, allowed: readonly string[]): string {
  if (allowed.length === 0) return '';
  return offered.split(', ').find((protocol) => allowed.includes(protocol)) ?? '';
}

/**
 * The head of an answer that switches, with what the client's side of the handshake has and the upstream's has not.
 * @param lines the client speaks HTTP/1.1. @param key its Sec-WebSocket-Key.
 */
export function switchedHead(head: AnswerHead, protocol: string, lines: boolean, key: string): AnswerHead {
  if (protocol !== 'websocket' || head.lines === lines) return head;
  const bytes = editHead(lines ? withAccept(key) : withoutKey, head.bytes, 0, head.length, head.lines);
  return { status: head.status, lines: head.lines, bytes, length: bytes.length, contentLength: -1 };
}
