import { grpcStatus } from '../protocol/grpc/status.ts';
import type { FieldMarks } from '../protocol/hpack/field-marks.ts';
import type { Exchange } from './exchange.ts';
import { type LocalReply, localReply } from './local-reply.ts';

/**
 * Begins a call whose head was read, unless it is answered here: what no route has to be found for.
 * @param admitted its client may call. @param connects it is a plain CONNECT. @param marks as the decoder left them.
 */
export function beginCall(
  exchange: Exchange,
  admitted: boolean,
  connects: boolean,
  marks: FieldMarks | null,
): void {
  const refusal = admitted ? refusalOf(exchange, connects) : notAdmitted;
  if (refusal === null) exchange.begin(marks);
  else exchange.fail(refusal);
}

/** Envoy's RBAC answers with 403 and gRPC 7, too; the probes of load balancers are calls like others for it. */
const notAdmitted = localReply(
  403,
  grpcStatus.permissionDenied,
  'blocked',
  'calls from this address are not allowed',
);

function refusalOf(exchange: Exchange, connects: boolean): LocalReply | null {
  if (connects) return localReply(501, grpcStatus.unimplemented, 'not_implemented', 'CONNECT is not served');
  if (exchange.pathInfo.valid) return null;
  return localReply(400, grpcStatus.internal, 'protocol_error', 'the path is not valid');
}
