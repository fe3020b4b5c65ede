import { grpcStatus } from '../protocol/grpc/status.ts';
import { type LocalReply, localReply } from './local-reply.ts';

/** What a call is told when its upstream has reset it; `code` of RFC 9113 7. */
export function upstreamResetReply(service: string, code: number): LocalReply {
  const message = `the upstream ${service} reset the call (HTTP/2 error ${code})`;
  return localReply(503, grpcStatus.unavailable, 'upstream_reset', message);
}

/** The connection was lost in the middle of the call. @param why an error's code, words, or ''. */
export function upstreamClosedReply(service: string, why: string): LocalReply {
  const detail = why === '' ? '' : ` (${why})`;
  const message = `the connection to ${service} was closed during the call${detail}`;
  return localReply(503, grpcStatus.unavailable, 'upstream_closed', message);
}

/** The release was taken back, and its running calls with it (`abort --end-streams`). */
export function abortedReply(version: string): LocalReply {
  return localReply(503, grpcStatus.unavailable, 'aborted', `the release ${version} was aborted`);
}

/** The upstream broke the protocol. @param what it sent. */
export function upstreamBrokenReply(service: string, what: string): LocalReply {
  return localReply(502, grpcStatus.internal, 'protocol_error', `the upstream ${service} sent ${what}`);
}

/** The client wants to go on in another protocol over an HTTP/2 upstream that has not said it can (RFC 8441 3). */
export function noUpgradeReply(service: string): LocalReply {
  const message = `the upstream ${service} speaks HTTP/2 without extended CONNECT, so no upgrade goes through it`;
  return localReply(501, grpcStatus.unimplemented, 'not_implemented', message);
}

/** The TLS context for the upstream is missing or broken. Never in clear text what was meant to be encrypted. */
export function brokenTlsReply(context: string | null): LocalReply {
  const message = `no connection can be made with ${context ?? 'TLS'}: it is missing or has an error`;
  return localReply(503, grpcStatus.unavailable, 'broken_config', message);
}

/** The body of a gRPC-Web call as text is not what it says. */
export function badBase64Reply(): LocalReply {
  return localReply(
    400,
    grpcStatus.internal,
    'protocol_error',
    'the body of grpc-web-text is not base64 (RFC 4648 4)',
  );
}

/** The request's body is longer than `body_bytes` allows. */
export function bodyTooLongReply(most: number): LocalReply {
  const message = `the body of the request has more than ${most} bytes`;
  return localReply(413, grpcStatus.resourceExhausted, 'limit', message);
}

/** The client has stopped in the middle of its request's body (RFC 9110 15.5.9). */
export function bodyStalledReply(): LocalReply {
  const message = 'the body of the request did not go on in time';
  return localReply(408, grpcStatus.cancelled, 'limit', message);
}

/** A fault of the gateway's own; the log has it. */
export function faultReply(): LocalReply {
  return localReply(500, grpcStatus.internal, 'internal', 'a fault of the gateway');
}

/** The head has something that the upstream's protocol cannot say (a host or target that HTTP/1.1 has no form for). */
export function unwritableReply(): LocalReply {
  const message =
    'the head cannot be said in HTTP/1.1: its host, target or a field has a forbidden character';
  return localReply(400, grpcStatus.internal, 'protocol_error', message);
}

/** The deadline is over. @param held the call was still waiting for a connection. */
export function deadlineReply(held: boolean): LocalReply {
  const message = held ? 'the deadline passed while the call waited for the upstream' : 'the deadline passed';
  return localReply(504, grpcStatus.deadlineExceeded, 'timeout', message);
}

/** Nothing has moved for too long. */
export function silentReply(): LocalReply {
  return localReply(504, grpcStatus.deadlineExceeded, 'timeout', 'the call was silent for five minutes');
}
