import { GatewayCount } from '../metrics/catalog.ts';
import type { Compression } from '../model/http-settings.ts';
import { chooseCoding } from '../protocol/content-coding/accept-encoding.ts';
import { grpcStatus } from '../protocol/grpc/status.ts';
import { CompressingSide } from './compression/compressing-side.ts';
import { isAvailable } from './compression/encoders.ts';
import type { Exchange } from './exchange.ts';
import type { HttpRuntime } from './http-runtime.ts';
import { localReply } from './local-reply.ts';

/**
 * Changes a call before it is routed, where the Module's settings say so. False: it was answered.
 * Only for settings that `HttpRuntime.shapesCalls` names.
 */
export function shapeCall(exchange: Exchange, { settings }: HttpRuntime): boolean {
  const { underscores, compression } = settings;
  if (underscores !== 'allow' && !checkUnderscores(exchange, underscores)) return false;
  if (compression !== null && !exchange.grpc && exchange.upgrade === '') compress(exchange, compression);
  return true;
}

function compress(exchange: Exchange, compression: Compression): void {
  // RFC 9111 5.2.1.6.
  if (/(?:^|[\s,])no-transform(?:$|[\s,])/i.test(exchange.header('cache-control') ?? '')) return;
  const coding = chooseCoding(exchange.header('accept-encoding'), compression.codings.filter(isAvailable));
  const known = exchange.header('if-none-match');
  if (compression.removeAcceptEncoding) {
    exchange.replaceFields(exchange.fields.filter(({ name }) => name !== 'accept-encoding'));
  }
  const side = new CompressingSide(exchange.downstream, exchange, compression, coding, known);
  exchange.downstream = side;
  exchange.compressor = side;
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
