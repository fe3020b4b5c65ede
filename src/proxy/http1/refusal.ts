import { GatewayCount, type LimitName, limitIndex, type ReasonName } from '../../metrics/catalog.ts';
import { statusLine } from '../../protocol/http1/start-lines.ts';
import type { Gateway } from '../gateway.ts';
import { httpDate } from '../http-date.ts';
import { noPreface } from '../http2/no-preface.ts';

/** A whole answer to a request that could not be read, after which the connection closes. @param problem one sentence. */
export function refusal(status: number, reason: ReasonName, problem: string): Buffer {
  const body = Buffer.from(`${problem}\n`, 'utf8');
  const lines = [
    'content-type: text/plain; charset=utf-8',
    `content-length: ${body.length}`,
    'connection: close',
    `x-serin-reason: ${reason}`,
    `date: ${httpDate()}`,
    '',
    '',
  ];
  return Buffer.concat([statusLine(status), Buffer.from(lines.join('\r\n'), 'latin1'), body]);
}

/**
 * Counts a request whose head was refused, the one that was read last, and says what the client is told: a refusal. To whoever
 * means no HTTP/1 the one thing that can be said is that HTTP/2 was expected, too (RFC 9113 3.4).
 */
export function refuse({ metrics, limits, http1 }: Gateway, status: number, problem: string): Buffer {
  const head = http1.requests;
  const limit = limitOf(status, head.fields > limits.header_fields);
  metrics.gateway[limit === null ? GatewayCount.PROTOCOL_ERRORS_DOWNSTREAM! : limitIndex[limit]!]!++;
  return head.notHttp ? noPreface : refusal(status, limit === null ? 'protocol_error' : 'limit', problem);
}

/** The limit that a refusal is about. */
function limitOf(status: number, manyFields: boolean): LimitName | null {
  if (status === 414) return 'target_bytes';
  if (status === 431) return manyFields ? 'header_fields' : 'header_list_bytes';
  return null;
}
