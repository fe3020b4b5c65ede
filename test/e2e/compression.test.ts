import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayCount } from '../../src/metrics/catalog.ts';
import { type FourWays, moduleOf, startFourWays, type Way, ways } from '../support/four-ways.ts';
import { until } from '../support/serin.ts';

const text = 'the canary sings, and sings again. '.repeat(2000);
/** What the backend was asked with last. */
let asked: http.IncomingHttpHeaders = {};
let writing: http.ServerResponse | null = null;
let written = 0;
/** The endless answer was given up. */
let left = false;

/** Answers as the query says: fields of the answer, and how its body is sent. */
function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  asked = request.headers;
  const url = new URL(request.url!, 'http://a');
  const { status = '200', body = 'text', ...fields } = Object.fromEntries(url.searchParams);
  response.statusCode = Number(status);
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
  const whole = body === 'short' ? 'short' : text;
  if (body === 'stream') {
    writing = response;
    response.write('first ');
  } else if (body === 'endless') {
    written = 0;
    left = false;
    response.on('close', () => {
      left = true;
    });
    const noise = Buffer.alloc(65_536);
    for (let i = 0; i < noise.length; i++) noise[i] = Math.random() * 256;
    const more = (): void => {
      while (!response.destroyed) {
        written += noise.length;
        if (!response.write(noise)) return;
      }
    };
    response.on('drain', more);
    more();
  } else if (body === 'none' || request.method === 'HEAD') {
    if (body !== 'none') response.setHeader('content-length', whole.length);
    response.end();
  } else {
    if (body !== 'unknown') response.setHeader('content-length', whole.length);
    response.end(whole);
  }
}

const gzip = moduleOf('gzip: {min_content_length: 100}');
const both = moduleOf('gzip: {min_content_length: 100}, serin: {compression: {codings: [br, gzip]}}');
let four: FourWays;

beforeAll(async () => {
  four = await startFourWays(gzip, { answer, fields: ', timeout_ms: 0' });
});

afterAll(() => four?.close());

const count = (name: keyof typeof GatewayCount): number => four.plane.metrics.gateway[GatewayCount[name]]!;
type Unpack = (bytes: Buffer) => Buffer;
const { zstdDecompressSync } = zlib as unknown as { zstdDecompressSync?: Unpack };
const unpack: Record<string, Unpack> = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
};

describe.each(ways)('a client of %s and an upstream of %s', (...way) => {
  const ask = (query: string, headers: Record<string, string> = {}, method = 'GET') =>
    four.ask(way as Way, { 'accept-encoding': 'gzip, br', ...headers }, `?${query}`, method);

  it.each([
    ['gzip', gzip],
    ['br', both],
  ] as const)('is answered in %s', async (coding, config) => {
    await four.configure(config);
    for (const query of ['body=text', 'body=unknown']) {
      const before = [count('COMPRESSED_GZIP') + count('COMPRESSED_BR'), count('COMPRESSION_BYTES_IN')];
      const { headers, body } = await ask(`${query}&etag="x"&accept-ranges=bytes`);
      expect(headers).toMatchObject({ 'content-encoding': coding, vary: 'Accept-Encoding', etag: 'W/"x"' });
      expect(headers).not.toHaveProperty('content-length');
      expect(headers).not.toHaveProperty('accept-ranges');
      expect(body.length).toBeLessThan(text.length / 50);
      expect(String(unpack[coding]!(body))).toBe(text);
      expect([count('COMPRESSED_GZIP') + count('COMPRESSED_BR'), count('COMPRESSION_BYTES_IN')]).toEqual([
        before[0]! + 1,
        before[1]! + text.length,
      ]);
    }
  });

  it('is answered in zstd where this Node has it, and else as it is', async () => {
    await four.configure(moduleOf('serin: {compression: {codings: [zstd]}}'));
    for (const query of ['body=text', 'body=unknown']) {
      const { headers, body } = await ask(query, { 'accept-encoding': 'zstd' });
      expect(headers['content-encoding']).toBe(zstdDecompressSync === undefined ? undefined : 'zstd');
      expect(String(zstdDecompressSync?.(body) ?? body)).toBe(text);
    }
  });

  it('stays as it is where the client does not want it, and caches are told', async () => {
    await four.configure(both);
    for (const accepts of ['', 'identity', 'gzip;q=0, br;q=0', 'deflate']) {
      const { headers, body } = await ask('vary=Origin&etag="x"', { 'accept-encoding': accepts });
      expect(headers).toMatchObject({ vary: 'Origin, Accept-Encoding', etag: '"x"' });
      expect(headers).not.toHaveProperty('content-encoding');
      expect(String(body)).toBe(text);
    }
    expect((await ask('vary=accept-encoding')).headers.vary).toBe('accept-encoding');
  });

  it.each([
    ['cache-control=public,no-transform'],
    ['content-encoding=br'],
    ['status=206&content-range=bytes%200-69999/80000'],
    ['content-type=image/png'],
    ['body=short'],
    ['status=204&body=none'],
    ['status=304&body=none'],
  ])('never with %s', async (query) => {
    await four.configure(gzip);
    const { headers, body } = await ask(query);
    expect(headers).not.toHaveProperty('vary');
    expect(headers['content-encoding']).toBe(query.startsWith('content-encoding') ? 'br' : undefined);
    expect(['', 'short', text]).toContain(String(body));
  });

  it('not for a request with no-transform, and not for gRPC', async () => {
    await four.configure(gzip);
    expect((await ask('', { 'cache-control': 'no-transform' })).headers).not.toHaveProperty('vary');
    const grpc = await ask('content-type=text/plain', { 'content-type': 'application/grpc' });
    expect(grpc.headers).not.toHaveProperty('content-encoding');
  });

  it('HEAD is told what GET would be, without a body', async () => {
    await four.configure(gzip);
    const { headers, body } = await ask('etag="x"', {}, 'HEAD');
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding', etag: 'W/"x"' });
    expect(headers).not.toHaveProperty('content-length');
    expect(body.length).toBe(0);
  });

  it('a 304 has the etag that the client knows', async () => {
    await four.configure(gzip);
    const query = 'status=304&body=none&etag="x"';
    expect((await ask(query, { 'if-none-match': '"y", W/"x"' })).headers.etag).toBe('W/"x"');
    expect((await ask(query, { 'if-none-match': '"x"' })).headers.etag).toBe('"x"');
  });

  it('obeys the settings: types, strong etags, what the service is told', async () => {
    await four.configure(moduleOf('gzip: {content_type: [text/html], remove_accept_encoding_header: true}'));
    expect((await ask('')).headers).not.toHaveProperty('content-encoding');
    expect(asked).not.toHaveProperty('accept-encoding');
    expect((await ask('content-type=Text/HTML;charset=utf-8')).headers).toHaveProperty('content-encoding');
    await four.configure(moduleOf('gzip: {disable_on_etag_header: true}'));
    expect((await ask('etag="x"')).headers).toMatchObject({ etag: '"x"' });
    expect((await ask('etag=W/"x"')).headers).toMatchObject({ 'content-encoding': 'gzip', etag: 'W/"x"' });
    expect(asked).toMatchObject({ 'accept-encoding': 'gzip, br' });
    await four.configure(moduleOf('gzip: {enabled: false}'));
    expect((await ask('')).headers).not.toHaveProperty('vary');
    await four.configure('');
    expect((await ask('')).headers).not.toHaveProperty('vary');
  });

  it('an event is not held back', async () => {
    await four.configure(both);
    for (const coding of ['gzip', 'br'] as const) {
      const stream = await opened(way[0], `/${way[1]}/?body=stream&content-type=text/event-stream`, coding);
      const unzip = coding === 'gzip' ? zlib.createGunzip() : zlib.createBrotliDecompress();
      let read = '';
      unzip.on('data', (data) => {
        read += data;
      });
      stream.pipe(unzip);
      await until(() => read === 'first ', 2000);
      writing!.write('second ');
      await until(() => read === 'first second ', 2000);
      writing!.end('last');
      await once(unzip, 'end');
      expect(read).toBe('first second last');
    }
  });

  it('a client that does not read stops the service, which is told when it goes', async () => {
    await four.configure(gzip);
    const stream = await opened(way[0], `/${way[1]}/?body=endless`, 'gzip');
    stream.pause();
    for (let before = -1; before !== written || written === 0; ) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    // Buffers of the kernel and of both ends: megabytes, but no end.
    expect(written).toBeLessThan(40_000_000);
    if (stream instanceof http.IncomingMessage) stream.destroy();
    else stream.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => left, 5000);
  });
});

/** An answer whose body is the caller's to read. */
async function opened(client: string, path: string, coding: string) {
  const { port } = four.plane;
  const headers = { 'accept-encoding': coding };
  if (client === 'h1') {
    const request = http.get({ host: '127.0.0.1', port, path, headers, agent: false });
    request.on('error', () => {});
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.on('error', () => {});
    return response;
  }
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const stream = session.request({ ':path': path, ...headers });
  stream.on('error', () => {});
  stream.on('close', () => session.destroy());
  await once(stream, 'response');
  return stream;
}
