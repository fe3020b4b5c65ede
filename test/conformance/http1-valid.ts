import fc from 'fast-check';

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,24}$/);
const visible = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
    fc.constantFrom(0x20, 9),
    fc.integer({ min: 0x80, max: 255 }),
  ),
  { maxLength: 80 },
);
const value = visible.map((list) =>
  Buffer.from(list)
    .toString('latin1')
    .replace(/^[ \t]+|[ \t]+$/g, ''),
);
const blank = fc.constantFrom('', ' ', ' ', ' ', '\t', '  ');
/** In front of generated names, so that none is one that the gateway knows. */
const field = fc.record({
  name: token.map((name) => `Y-${name}`),
  value,
  before: blank,
  after: fc.constantFrom('', '', ' ', '\t'),
});
const data = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 })
  .map((list) => Buffer.from(list).toString('latin1'));
const spelled = (name: string) => fc.constantFrom(name, name.toLowerCase(), name.toUpperCase());
const extension = fc.constantFrom('', '', ';a', ';a=b', ' ; a = "b;\\"c" ;d');
const chunk = fc.record({
  data: data.filter((one) => one !== ''),
  extension,
  upper: fc.boolean(),
  zeros: fc.nat(3),
});

/** A valid request, with what it means. CONNECT is not among them: what follows one is not HTTP. */
export const validMessage = fc.record({
  method: fc
    .oneof(fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'PROPFIND'), token)
    .filter((name) => name !== 'CONNECT'),
  target: fc.stringMatching(/^\/[!-"$-~]{0,60}$/),
  host: fc.constantFrom('a', 'quote.test:8080', '[::1]:80', '127.0.0.1', 'x_y.test'),
  hostName: spelled('Host'),
  fields: fc.array(field, { maxLength: 8 }),
  body: fc.oneof(
    fc.constant({ kind: 'none' as const }),
    fc.record({ kind: fc.constant('length' as const), data, name: spelled('Content-Length') }),
    fc.record({
      kind: fc.constant('chunked' as const),
      chunks: fc.array(chunk, { maxLength: 4 }),
      trailers: fc.array(field, { maxLength: 3 }),
      name: spelled('Transfer-Encoding'),
      coding: spelled('chunked'),
    }),
  ),
});
export type ValidMessage = typeof validMessage extends fc.Arbitrary<infer T> ? T : never;

const linesOf = (fields: ValidMessage['fields']): string =>
  fields
    .map((one) => `${one.name}:${one.before}${one.value}${one.value === '' ? '' : one.after}\r\n`)
    .join('');

/** Its bytes (latin1). */
export function bytesOf({ method, target, host, hostName, fields, body }: ValidMessage): string {
  const start = `${method} ${target} HTTP/1.1\r\n${hostName}: ${host}\r\n`;
  if (body.kind === 'none') return `${start}${linesOf(fields)}\r\n`;
  if (body.kind === 'length')
    return `${start}${linesOf(fields)}${body.name}:${body.data.length}\r\n\r\n${body.data}`;
  const chunks = body.chunks.map(({ data, extension, upper, zeros }) => {
    const size = data.length.toString(16);
    return `${'0'.repeat(zeros)}${upper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`;
  });
  return `${start}${body.name}: ${body.coding}\r\n${linesOf(fields)}\r\n${chunks.join('')}0\r\n${linesOf(body.trailers)}\r\n`;
}
