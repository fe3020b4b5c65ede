import { createHash, randomBytes } from 'node:crypto';
import type { Backend, HeaderEdits } from '../model/backend.ts';
import { grpcStatus } from '../protocol/grpc/status.ts';
import { decodeLines } from '../protocol/http1/lines.ts';
import {
  acceptOf,
  connectStatus,
  isAccepted,
  upgradeRefusal,
  websocketProtocol,
} from '../protocol/websocket/handshake.ts';
import type { Exchange } from './exchange.ts';
import { editHead } from './header-edits.ts';
import { type LocalReply, localReply } from './local-reply.ts';
import type { AnswerHead } from './sides.ts';

/**
 * A WebSocket opens with an upgrade in HTTP/1.1 (RFC 6455 4) and with an extended CONNECT in HTTP/2 (RFC 8441), which
 * has neither key nor accept. What both handshakes share is bridged here; the frames behind them are nobody's business.
 */

const sha1 = (text: string): string => createHash('sha1').update(text).digest('base64');

/** Fields that HTTP/2's handshake does without (RFC 8441 5.1). */
export const withoutKey: HeaderEdits = { remove: ['sec-websocket-key', 'sec-websocket-accept'], add: [] };

/** A key of 16 random bytes (RFC 6455 4.1), for a handshake on behalf of a client that sent none. */
export function newKey(): string {
  return randomBytes(16).toString('base64');
}

/** A handshake of HTTP/1.1 with this key. */
export function withKey(key: string): HeaderEdits {
  return { remove: ['sec-websocket-key'], add: [{ name: 'sec-websocket-key', value: key, append: true }] };
}

/**
 * Puts the protocol in place that a call goes on in, '' = none: what is not allowed is ignored (RFC 9110 7.8), and the
 * head is then all of the request. Returns the refusal of an extended CONNECT, which is nothing else, and of a handshake
 * that cannot be bridged.
 */
export function agreeOnUpgrade(call: Exchange, { name, protocol, upgrades }: Backend): LocalReply | null {
  const wanted = call.upgrade;
  call.upgrade = allowedUpgrade(wanted, upgrades);
  if (call.upgrade !== '') {
    call.key = call.header('sec-websocket-key') ?? '';
    if (!call.lines || protocol === 'http1') return null;
    return refusedUpgrade(call.upgrade, call.method, (header) => call.header(header));
  }
  if (call.lines) {
    call.requestEnded = true;
    return null;
  }
  const message = `the Mapping ${name} has no "allow_upgrade: [${wanted}]"`;
  return localReply(403, grpcStatus.permissionDenied, 'blocked', message);
}

/** The one of the client's protocols (RFC 9110 7.8: in its order) that the Mapping allows; '' = none. */
function allowedUpgrade(offered: string, allowed: readonly string[]): string {
  if (allowed.length === 0) return '';
  return offered.split(', ').find((protocol) => allowed.includes(protocol)) ?? '';
}

/**
 * Why a client's upgrade of HTTP/1.1 cannot go to an upstream of HTTP/2, which never sees the key; null when it can.
 * @param header value of a request's header.
 */
function refusedUpgrade(
  protocol: string,
  method: string,
  header: (name: string) => string | undefined,
): LocalReply | null {
  if (protocol !== websocketProtocol) return null;
  const lines = (name: string): string[] => header(name)?.split(',') ?? [];
  const refused = upgradeRefusal(method, lines('sec-websocket-key'), lines('sec-websocket-version'));
  if (refused === null) return null;
  return localReply(refused.status, grpcStatus.internal, 'protocol_error', refused.problem);
}

/** True when the upstream has switched: 101 of HTTP/1.1, 2xx of HTTP/2 (RFC 8441 5). */
export function hasSwitched({ lines, status }: AnswerHead): boolean {
  return lines ? status === 101 : status >= 200 && status < 300;
}

/**
 * What is wrong with the answer of an upstream of HTTP/1.1 to an extended CONNECT; null when nothing is. It must not look
 * as if something had been opened, and a 101 has to be the answer to our key.
 */
export function wrongAnswer(head: AnswerHead, protocol: string, key: string): string | null {
  if (connectStatus(head.status) === 502) return `${head.status} to an upgrade`;
  if (head.status !== 101 || protocol !== websocketProtocol) return null;
  const accepts = decodeLines(head.bytes, 0, head.length)
    .filter(({ name }) => name === 'sec-websocket-accept')
    .map(({ value }) => value);
  return isAccepted(accepts, key, sha1) ? null : 'a wrong Sec-WebSocket-Accept';
}

/**
 * The head of an answer that switches, with what the client's side of the handshake has and the upstream's has not.
 * @param lines the client speaks HTTP/1.1. @param key its Sec-WebSocket-Key.
 */
export function switchedHead(head: AnswerHead, protocol: string, lines: boolean, key: string): AnswerHead {
  if (protocol !== websocketProtocol || head.lines === lines) return head;
  const accept = [{ name: 'sec-websocket-accept', value: lines ? acceptOf(key, sha1) : '', append: true }];
  const edits = lines ? { remove: ['sec-websocket-accept'], add: accept } : withoutKey;
  const bytes = editHead(edits, head.bytes, 0, head.length, head.lines);
  return { status: head.status, lines: head.lines, bytes, length: bytes.length, contentLength: -1 };
}
