import type { ReasonName } from '../../metrics/catalog.ts';
import { statusLine } from '../../protocol/http1/start-lines.ts';
import { httpDate } from '../http-date.ts';

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
