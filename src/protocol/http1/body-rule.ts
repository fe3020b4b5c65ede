/** How a message's body ends (RFC 9112 6.3). */
export const bodyRule = { none: 0, length: 1, chunked: 2, untilClose: 3 } as const;

/** What a head says of its body. */
interface Framing {
  /** -1 = none. */
  readonly contentLength: number;
  readonly chunked: boolean;
}

/** Body of a request: one without a length has none. */
export function requestBody(head: Framing): number {
  if (head.chunked) return bodyRule.chunked;
  return head.contentLength > 0 ? bodyRule.length : bodyRule.none;
}

/**
 * Body of the answer with `status` to a request with `method`. None whatever the fields say: 1xx (behind 101 the
 * connection speaks another protocol), 204, 304, to HEAD, and 2xx to CONNECT (a tunnel).
 */
export function responseBody(method: string, status: number, head: Framing): number {
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return bodyRule.none;
  if (method === 'CONNECT' && status < 300) return bodyRule.none;
  if (head.chunked) return bodyRule.chunked;
  if (head.contentLength < 0) return bodyRule.untilClose;
  return head.contentLength > 0 ? bodyRule.length : bodyRule.none;
}
