/** A request as it is sent over HTTP/2: fields in their order, body, trailers. */
export interface SentRequest {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** Nothing was changed: it has to be served. */
  readonly valid: boolean;
}

type Field = [name: string, value: string];
type Random = (n: number) => number;

const seeds: readonly {
  readonly fields: readonly Field[];
  readonly body: string;
  readonly trailers: readonly Field[];
}[] = [
  { fields: head('GET', '/', []), body: '', trailers: [] },
  {
    fields: head('GET', '/a/b?c=d', [
      ['accept', '*/*'],
      ['cookie', 'a=b'],
      ['cookie', 'c=d'],
      ['te', 'trailers'],
    ]),
    body: '',
    trailers: [],
  },
  {
    fields: head('POST', '/p', [
      ['content-length', '5'],
      ['x-a', 'b'],
    ]),
    body: 'hello',
    trailers: [],
  },
  {
    fields: head('POST', '/u', [
      ['x-empty', ''],
      ['x-o', '\u00e9\u00ff'],
    ]),
    body: 'GET /inside HTTP/1.1\r\nHost: b\r\n\r\n',
    trailers: [],
  },
  {
    fields: head('PUT', '/t', [['trailer', 'x-t']]),
    body: 'abc',
    trailers: [
      ['x-t', '1'],
      ['x-u', '2'],
    ],
  },
  { fields: head('OPTIONS', '*', [['x-long', 'y'.repeat(300)]]), body: '', trailers: [] },
  {
    fields: head('DELETE', '/d', [
      ['content-length', '0'],
      ['expect', '100-continue'],
    ]),
    body: '',
    trailers: [],
  },
  { fields: [...head('GET', '/h', []).slice(0, 3), ['host', 'a']], body: '', trailers: [] },
];

function head(method: string, path: string, more: readonly Field[]): Field[] {
  return [[':method', method], [':scheme', 'http'], [':path', path], [':authority', 'a'], ...more];
}

/** What must never become a line, a target or a framing of HTTP/1.1. */
const pieces: readonly string[] = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\0',
    ' ',
    '\t',
    ':',
    '\x7f',
    '\x0b',
    '\u0080',
    '\u00ff',
    '"',
    '#',
    '\\',
    '%0d%0a',
    '?',
    '@',
  ],
  ...[
    '\r\nx-injected: 1',
    '\r\ntransfer-encoding: chunked',
    ' HTTP/1.1\r\nhost: b\r\n\r\nGET /next',
    '0',
    '5',
    '+5',
    '5, 5',
    'A',
  ],
];

const wholeFields: readonly Field[] = [
  ...(['chunked', 'identity', 'gzip, chunked', ''] as const).map(
    (value): Field => ['transfer-encoding', value],
  ),
  ...['0', '5', '3', '05', '+5', '5,5', '-1', '18446744073709551621', '', ' 5'].map(
    (value): Field => ['content-length', value],
  ),
  ...['close', 'keep-alive', 'x-a', 'transfer-encoding'].map((value): Field => ['connection', value]),
  ...([
    ['upgrade', 'websocket'],
    ['keep-alive', '1'],
    ['proxy-connection', 'close'],
    ['http2-settings', 'AA'],
    ['te', 'gzip'],
  ] as Field[]),
  ...([
    ['host', 'b'],
    ['host', 'a'],
    [':authority', 'b'],
    [':path', '/other'],
    [':method', 'HEAD'],
    [':scheme', 'https'],
  ] as Field[]),
  ...([
    [':status', '200'],
    [':x', 'y'],
    ['', 'empty'],
    ['X-Upper', '1'],
    ['x a', '1'],
    ['x:a', '1'],
    ['x\r\ny', '1'],
  ] as Field[]),
  ...([
    ['transfer_encoding', 'chunked'],
    ['content-length ', '3'],
    ['trailer', 'content-length'],
    ['expect', '100-continue'],
  ] as Field[]),
  ...([
    ['x-forwarded-for', '6.6.6.6'],
    ['cookie', 'e=f'],
    ['x-request-id', 'mine'],
    ['forwarded', 'for=6.6.6.6'],
  ] as Field[]),
];

/** A request as it is, or with some changes. @param most changes. */
export function mutatedRequest(random: Random, most = 3): SentRequest {
  const seed = seeds[random(seeds.length)]!;
  const fields = seed.fields.map((field): Field => [...field]);
  const trailers = seed.trailers.map((field): Field => [...field]);
  let { body } = seed;
  const changes = random(most + 1);
  for (let n = 0; n < changes; n++) {
    const list = trailers.length > 0 && random(4) === 0 ? trailers : fields;
    const at = random(list.length);
    switch (random(7)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.splice(at, 0, [...(list[at] ?? ['x', 'y'])] as Field);
        break;
      case 2:
        list.splice(random(list.length + 1), 0, [...wholeFields[random(wholeFields.length)]!]);
        break;
      case 3:
        body = random(2) === 0 ? `${body}x` : body.slice(1);
        break;
      default: {
        const field = list[at];
        if (field === undefined) break;
        const part = random(4) === 0 ? 0 : 1;
        const place = random(field[part].length + 1);
        const piece = pieces[random(pieces.length)]!;
        field[part] = field[part].slice(0, place) + piece + field[part].slice(place + random(2));
      }
    }
  }
  return { fields, body, trailers, valid: changes === 0 };
}
