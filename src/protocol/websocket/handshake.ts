/**
 * The opening of a WebSocket, which is an upgrade in HTTP/1.1 (RFC 6455 4) and an extended CONNECT in HTTP/2 (RFC 8441 5):
 * what a gateway has to know when the sides differ. HTTP/2's has no key and no accept; version, protocols and
 * extensions are the same fields in both. Frames go through untouched.
 */

/** The only version there is (RFC 6455 4.1); what the refusal of another one says in Sec-WebSocket-Version (4.4). */
export const websocketVersion = '13';

/** The value of `:protocol` and, whatever its case, of Upgrade. */
export const websocketProtocol = 'websocket';

/** SHA-1 of a text of ASCII characters, in base64. */
export type Sha1 = (text: string) => string;

/** An answer that refuses. */
export interface HandshakeRefusal {
  /** 400, or 426 with {@link websocketVersion}. */
  readonly status: 400 | 426;
  /** One sentence without a full stop. */
  readonly problem: string;
}

/**
 * Why a client's upgrade cannot be bridged; null when it can. The other side will never see the key, so that nobody else
 * would check it (RFC 6455 4.2.1). @param keys, @param versions values of the lines with these names, one each.
 */
export function upgradeRefusal(
  method: string,
  keys: readonly string[],
  versions: readonly string[],
): HandshakeRefusal | null {
  if (method !== 'GET') return { status: 400, problem: 'a WebSocket is opened by GET (RFC 6455 4.1)' };
  if (keys.length !== 1 || !isKey(keys[0]!)) {
    return { status: 400, problem: 'Sec-WebSocket-Key is not one of 16 bytes (RFC 6455 4.2.1)' };
  }
  return versionRefusal(versions);
}

/** Why an extended CONNECT cannot be bridged; null when it can (RFC 8441 5). @param versions as for an upgrade. */
export function versionRefusal(versions: readonly string[]): HandshakeRefusal | null {
  if (versions.length === 1 && versions[0] === websocketVersion) return null;
  return { status: 426, problem: 'Sec-WebSocket-Version is not 13 (RFC 6455 4.2.2)' };
}

/** Base64 of 16 bytes; the bits behind them are not looked at. */
function isKey(value: string): boolean {
  return /^[A-Za-z0-9+/]{22}==$/.test(value);
}

/** Sec-WebSocket-Accept for a client's key (RFC 6455 4.2.2, step 5.4). */
export function acceptOf(key: string, sha1: Sha1): string {
  return sha1(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
}

/**
 * True when an upstream's 101 is the answer to this key (RFC 6455 4.1): it understood the handshake, and no cache answered
 * in its place. White space at the ends is not looked at. @param accepts values of the lines of Sec-WebSocket-Accept.
 */
export function isAccepted(accepts: readonly string[], key: string, sha1: Sha1): boolean {
  return accepts.length === 1 && accepts[0]!.replace(/^[ \t]+|[ \t]+$/g, '') === acceptOf(key, sha1);
}

/**
 * Status of the answer that a client of HTTP/2 gets: 200 for 101; 502 for 2xx, by which an upstream of HTTP/1.1 has not
 * opened anything, but an extended CONNECT would be; others as they are.
 */
export function connectStatus(status: number): number {
  if (status === 101) return 200;
  return status >= 200 && status < 300 ? 502 : status;
}
