import { GatewayCount } from '../metrics/catalog.ts';
import { grpcStatus } from '../protocol/grpc/status.ts';
import type { Exchange } from './exchange.ts';
import type { HttpRuntime } from './http-runtime.ts';
import { localReply } from './local-reply.ts';

/**
 * Changes a call before it is routed, where the Module's settings say so. False: it was answered.
 * Only for settings that `HttpRuntime.shapesCalls` names.
 */
export function shapeCall(exchange: Exchange, { settings }: HttpRuntime): boolean {
  const { underscores } = settings;
  return underscores === 'allow' || checkUnderscores(exchange, underscores);
}

/** Envoy's headers_with_underscores_action: some servers take `a_b` for `a-b`, which is a way round rules about the latter. */
function checkUnderscores(exchange: Exchange, action: 'reject' | 'drop'): boolean {
  const { fields } = exchange;
  const bad = fields.find(({ name }) => name.includes('_'));
  if (bad === undefined) return true;
  if (action === 'drop') {
    exchange.replaceFields(fields.filter(({ name }) => !name.includes('_')));
    return true;
  }
  exchange.gateway.metrics.gateway[GatewayCount.PROTOCOL_ERRORS_DOWNSTREAM!]!++;
  const message = 'a header name with an underscore (headers_with_underscores_action: REJECT_REQUEST)';
  exchange.fail(localReply(400, grpcStatus.internal, 'protocol_error', message));
  return false;
}
