import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { until } from '../support/serin.ts';

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: all}
spec: {prefix: /, rewrite: "", service: "all:80", grpc: true, timeout_ms: 0}
`;

type Field = readonly [name: string, value: string];
const added = new Set(['x-request-id', 'x-forwarded-for', 'x-forwarded-proto']);

/** Visible at both ends; obs-text too. */
const text = (most: number) =>
  fc
    .array(
      fc.oneof(
        { weight: 12, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
        fc.integer({ min: 0xa0, max: 0xff }),
      ),
      { maxLength: most, size: 'max' },
    )
    .map((bytes) => String.fromCharCode(...bytes));

/** Values that come again: short, and long enough for the table of the upstream. */
const tokens = Array.from({ length: 40 }, (_, i) => `token-${i}.`.padEnd(20 + i * 23, 'abc123'));
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...tokens) },
  { weight: 1, arbitrary: text(20) },
  { weight: 1, arbitrary: text(600) },
);
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('x-one', 'x-two', 'x-three', 'cookie', 'accept-language', 'via') },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z0-9_.-]{1,30}$/).map((s) => `y-${s}`) },
);
const fields = fc.array(fc.tuple(name, value), { maxLength: 10, size: 'max' }).map((list) => group(list));

/** Lines of one name stand together: node:http2 sends them so. */
function group(list: readonly Field[]): Field[] {
  const names = [...new Set(list.map(([n]) => n))];
  return names.flatMap((n) => list.filter(([m]) => m === n));
}

function toHeaders(list: readonly Field[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [n, v] of list) headers[n] = [...(headers[n] ?? []), v];
  return headers;
}

function fromRaw(raw: readonly string[]): Field[] {
  const list: Field[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const n = raw[i]!;
    if (!n.startsWith(':') && !added.has(n) && n !== 'date' && n !== 'x-number') list.push([n, raw[i + 1]!]);
  }
  return list;
}

describe('HPACK between nghttp2 and the gateway, on both sides', () => {
  let plane: TestPlane;
  let server: http2.Http2Server;
  const sessions: http2.ServerHttp2Session[] = [];
  /** By the number in x-number: what came, and what is to be answered. */
  const got = new Map<string, Field[]>();
  const answers = new Map<string, Field[]>();

  beforeAll(async () => {
    server = http2.createServer();
    server.on('session', (session) => {
      sessions.push(session);
      session.on('error', () => {});
    });
    server.on(
      'stream',
      (
        stream: http2.ServerHttp2Stream,
        headers: http2.IncomingHttpHeaders,
        _flags: number,
        raw: string[],
      ) => {
        const number = String(headers['x-number']);
        got.set(number, fromRaw(raw));
        stream.on('error', () => {});
        stream.respond(
          { ':status': 200, ...toHeaders(answers.get(number) ?? []) },
          { waitForTrailers: true },
        );
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-number': number }));
        stream.end();
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    plane = await startPlane(manifest, { 'all:80': [(server.address() as AddressInfo).port] });
  });
  afterAll(async () => {
    await plane.close();
    for (const session of sessions) session.destroy();
    server.close();
  });

  /** One call; resolves with the answer's fields. */
  function call(client: http2.ClientHttp2Session, number: string, sent: readonly Field[]): Promise<Field[]> {
    return new Promise((resolve, reject) => {
      const stream = client.request(
        { ':method': 'POST', ':path': `/a.B/C${Number(number) % 7}`, 'x-number': number, ...toHeaders(sent) },
        { endStream: true },
      );
      let answer: Field[] = [];
      let trailer = '';
      stream.on('response', (_headers, _f, raw?: string[]) => (answer = fromRaw(raw ?? [])));
      stream.on('trailers', (headers) => (trailer = String(headers['x-number'])));
      stream.on('error', reject);
      stream.on('close', () =>
        trailer === number ? resolve(answer) : reject(new Error(`trailers of ${number}: ${trailer}`)),
      );
      stream.resume();
    });
  }

  it('600 requests on one session, the tables filling, shrinking to 0 and growing: what was sent arrives', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const requests = fc.sample(fields, { numRuns: 600, seed });
    const replies = fc.sample(fields, { numRuns: 600, seed: seed + 1 });
    const client = http2.connect(`http://127.0.0.1:${plane.port}`);
    client.on('error', () => {});
    const sizes = [4096, 0, 4096, 300, 65_536, 1000, 0, 100, 4096, 2000];
    let largest = 0;
    for (let from = 0; from < 600; from += 10) {
      if (from % 60 === 0 && from > 0) {
        const size = sizes[(from / 60) % sizes.length]!;
        // Two changes in one go: the smaller one has to be said as well.
        for (const session of sessions) session.settings({ headerTableSize: size >> 1 });
        for (const session of sessions) session.settings({ headerTableSize: size });
        await until(() => sessions.every((session) => session.pendingSettingsAck === false), 2000);
      }
      const batch = Array.from({ length: 10 }, (_, i) => from + i);
      for (const n of batch) answers.set(String(n), replies[n]!);
      const answered = await Promise.all(batch.map((n) => call(client, String(n), requests[n]!)));
      for (const [i, n] of batch.entries()) {
        expect(got.get(String(n)), `request ${n}, seed ${seed}`).toEqual(requests[n]);
        expect(answered[i], `answer ${n}, seed ${seed}`).toEqual(replies[n]);
      }
      for (const session of sessions) largest = Math.max(largest, session.state.inflateDynamicTableSize ?? 0);
    }
    // nghttp2's decoder has held what the gateway's encoder put in, and its encoder has filled the gateway's.
    expect(largest).toBeGreaterThan(2000);
    expect(client.state.deflateDynamicTableSize).toBeGreaterThan(3000);
    expect(sessions.length).toBe(1);
    expect(plane.counter('DOWNSTREAM_OPENED')).toBe(1);
    client.destroy();
  });
});
