import type { PeerConnection, PeerMessage } from '../conformance/http1-compare.ts';

/** What Node's binding of llhttp has, as far as it is used here; there is no public interface to it. */
interface Parser {
  initialize(type: number, resource: object): void;
  execute(bytes: Buffer): number | (Error & { code?: string });
  /** The connection ends; an error when that is inside a message. */
  finish(): Error | undefined;
  /** Nothing else gives its memory back. */
  close(): void;
  [callback: number]: (...args: never[]) => unknown;
}
interface Binding {
  readonly HTTPParser: (new () => Parser) & {
    readonly REQUEST: number;
    readonly RESPONSE: number;
    readonly kOnHeaders: number;
    readonly kOnHeadersComplete: number;
    readonly kOnBody: number;
    readonly kOnMessageComplete: number;
  };
  readonly methods: readonly string[];
  readonly allMethods?: readonly string[];
}

const { HTTPParser, methods, allMethods } = (
  process as unknown as { binding(name: string): Binding }
).binding('http_parser');

/**
 * What llhttp, strict, reads on a connection that ends behind these bytes: requests, or answers to requests with `method`
 * where there is one.
 */
export function llhttpReads(bytes: Buffer, answersTo = ''): PeerConnection {
  const messages: PeerMessage[] = [];
  let head: string[] = [];
  let fields: string[] = [];
  let target = '';
  let method = '';
  let body: string[] = [];
  let inside = false;
  let last = false;
  const parser = new HTTPParser();
  parser.initialize(answersTo === '' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {});
  parser[HTTPParser.kOnHeaders] = (list: string[], url: string) => {
    fields.push(...list);
    if (!inside) target += url;
  };
  parser[HTTPParser.kOnHeadersComplete] = (
    ...[, , list, number, url, status, , upgrade, keepAlive]: [
      ...[number, number, string[] | undefined, number, string | undefined, number, unknown],
      ...[boolean, boolean],
    ]
  ) => {
    inside = true;
    fields.push(...(list ?? []));
    target += url ?? '';
    method = answersTo === '' ? (allMethods ?? methods)[number]! : String(status);
    last = upgrade || !keepAlive;
    head = fields;
    fields = [];
    return answersTo === 'HEAD' ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (data: Buffer) => {
    body.push(data.toString('latin1'));
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    inside = false;
    messages.push({
      method,
      target,
      fields: pairs(head),
      body: body.join(''),
      trailers: pairs(fields),
    });
    fields = [];
    target = '';
    body = [];
  };
  const result = parser.execute(bytes);
  const ended = typeof result === 'number' && parser.finish() === undefined;
  parser.close();
  // Behind a message that is the last one, data are no concern of what was read.
  if (last && !inside) return { messages, error: '' };
  if (typeof result !== 'number') return { messages, error: result.code ?? result.message };
  return { messages, error: ended ? '' : 'unexpected end' };
}

function pairs(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i]!, list[2 * i + 1]!]);
}
