import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';
import { type Shown, showCases } from '../../support/compatibility.ts';
import type { Peer } from '../../support/peer.ts';

/** Debian's Chromium, driven by playwright-core, which brings no browser of its own. */
export const chromium: Peer = {
  name: 'Chromium',
  probe: ['chromium', '--version'],
  install: 'apt-get install chromium',
};

/** What {@link browserCases} tries. */
export const browserCaseNames: readonly string[] = [
  ...[
    'GET',
    'GET without length',
    'POST',
    'HEAD',
    '204',
    '304',
    'an answer that is given up',
    'CORS with a preflight',
  ],
  'WebSocket messages of 0 bytes to 16 MiB',
];
/** What {@link grpcWebCases} tries. */
export const grpcWebCaseNames: readonly string[] = [
  ...['unary, binary', 'unary, text', 'server stream', 'status of an error'],
];

/** Starts it and calls `run` with a page of the gateway's origin. */
async function withPage(base: string, run: (page: Page, version: string) => Promise<Shown>): Promise<Shown> {
  const browser: Browser = await playwright.launch({
    executablePath: executable(),
    // The tests' authority is nobody's; and as root there is no sandbox.
    args: ['--no-sandbox', '--ignore-certificate-errors'],
  });
  try {
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    await page.goto(`${base}/h1/same`);
    return await run(page, browser.version());
  } finally {
    await browser.close();
  }
}

function executable(): string {
  const folders = (process.env.PATH ?? '').split(':');
  return `${folders.find((folder) => existsSync(`${folder}/chromium`))}/chromium`;
}

/** A browser's own ways to ask, to a backend of HTTP/1.1 and one of HTTP/2. @param protocol as performance entries have it. */
export function browserCases(base: string, protocol: string, sizes: readonly number[]): Promise<Shown> {
  return withPage(base, (page, version) => {
    const at = (path: string, more: object = {}) => ({ base: `${base}${path}`, sizes, protocol, ...more });
    const both = async (run: (path: string) => Promise<void>): Promise<void> => {
      await run('/h1');
      await run('/h2');
    };
    return showCases(version.split('.').slice(0, 2).join('.'), {
      GET: () => both((path) => page.evaluate(gets, at(path, { kind: 'bytes' }))),
      'GET without length': () => both((path) => page.evaluate(gets, at(path, { kind: 'chunked' }))),
      POST: () => both((path) => page.evaluate(posts, at(path))),
      HEAD: () => both((path) => page.evaluate(head, at(path))),
      '204': () =>
        both((path) =>
          page.evaluate(expectStatus, { url: `${base}${path}/empty`, headers: {}, status: 204 }),
        ),
      '304': () =>
        both((path) =>
          page.evaluate(expectStatus, {
            url: `${base}${path}/same`,
            headers: { 'if-none-match': '"same"' },
            status: 304,
          }),
        ),
      'an answer that is given up': () => both((path) => page.evaluate(givenUp, at(path))),
      'CORS with a preflight': () =>
        page.evaluate(crossOrigin, { url: `${base.replace('127.0.0.1', 'localhost')}/cors/post` }),
      'WebSocket messages of 0 bytes to 16 MiB': async () => {
        for (const path of ['/ws1/', '/ws2/'])
          await page.evaluate(webSocket, { url: `${base.replace('http', 'ws')}${path}` });
      },
    });
  });
}

interface At {
  readonly base: string;
  readonly sizes: readonly number[];
  /** As the browser names it; what is asked has to be spoken. */
  readonly protocol: string;
  readonly kind?: string;
}

// The functions from here on run in the page: they see nothing of this file.

async function gets({ base, sizes, protocol, kind }: At): Promise<void> {
  for (const size of sizes) {
    const url = `${base}/${kind}/${size}`;
    const answer = await fetch(url);
    const body = await answer.arrayBuffer();
    const hash = [...new Uint8Array(await crypto.subtle.digest('SHA-256', body))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
    if (answer.status !== 200 || body.byteLength !== size)
      throw new Error(`${answer.status}, ${body.byteLength} bytes`);
    if (hash !== answer.headers.get('x-sha256')) throw new Error('another hash');
    const entry = performance.getEntriesByName(url).at(-1) as unknown as
      | { nextHopProtocol: string }
      | undefined;
    if (entry !== undefined && entry.nextHopProtocol !== protocol)
      throw new Error(`over ${entry.nextHopProtocol}`);
    performance.clearResourceTimings();
  }
}

async function posts({ base, sizes }: At): Promise<void> {
  for (const size of sizes) {
    const body = new Uint8Array(size).map((_, i) => (i * 31) & 255);
    const answer = await fetch(`${base}/post`, { method: 'POST', body });
    const hash = [...new Uint8Array(await crypto.subtle.digest('SHA-256', body))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
    const text = await answer.text();
    if (text !== `${size} ${hash}`) throw new Error(`${answer.status}: ${text}`);
  }
}

async function head({ base, sizes }: At): Promise<void> {
  for (const size of sizes) {
    const answer = await fetch(`${base}/bytes/${size}`, { method: 'HEAD' });
    if (answer.status !== 200 || answer.headers.get('content-length') !== String(size))
      throw new Error(`${answer.status}`);
  }
}

async function expectStatus(to: {
  url: string;
  headers: Record<string, string>;
  status: number;
}): Promise<void> {
  const answer = await fetch(to.url, { headers: to.headers });
  if (answer.status !== to.status) throw new Error(`${answer.status}`);
}

/** Gives an answer up in its middle; the next call is served all the same. */
async function givenUp({ base }: At): Promise<void> {
  const controller = new AbortController();
  const answer = await fetch(`${base}/bytes/${3 * 1024 * 1024}`, {
    signal: controller.signal,
  });
  await answer.body!.getReader().read();
  controller.abort();
  const next = await fetch(`${base}/bytes/1`);
  if ((await next.arrayBuffer()).byteLength !== 1) throw new Error(`${next.status}`);
}

async function crossOrigin({ url }: { url: string }): Promise<void> {
  const answer = await fetch(url, { method: 'PUT', headers: { 'x-custom': '1' }, body: 'hello' });
  if (answer.status !== 200) throw new Error(`${answer.status}`);
  const refused = await fetch(url, { method: 'DELETE' }).then(
    () => false,
    () => true,
  );
  if (!refused) throw new Error('a method that is not allowed was');
}

async function webSocket({ url }: { url: string }): Promise<void> {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('it does not open'));
  });
  for (const size of [0, 125, 126, 65_535, 65_536, 16 * 1024 * 1024]) {
    const sent = new Uint8Array(size).map((_, i) => (i * 7) & 255);
    const answered = new Promise<ArrayBuffer>((resolve) => {
      socket.onmessage = ({ data }) => resolve(data as ArrayBuffer);
    });
    socket.send(sent);
    const got = new Uint8Array(await answered);
    if (got.length !== size || got.some((byte, i) => byte !== sent[i]))
      throw new Error(`${size} bytes came back otherwise`);
  }
  const closed = new Promise<{ code: number }>((resolve) => {
    socket.onclose = resolve;
  });
  socket.close(3001, 'done');
  const { code } = await closed;
  if (code !== 3001) throw new Error(`closed with ${code}`);
}

/** What npm's grpc-web does in a page. */
export function grpcWebCases(base: string): Promise<Shown> {
  return withPage(base, async (page) => {
    const library = readFileSync(fileURLToPath(import.meta.resolve('grpc-web')), 'utf8');
    await page.evaluate((source) => {
      const exports = {};
      new Function('exports', source)(exports);
      (globalThis as unknown as { grpcWeb: object }).grpcWeb = exports;
    }, library);
    const { version } = JSON.parse(
      readFileSync(new URL('package.json', import.meta.resolve('grpc-web')), 'utf8'),
    ) as { version: string };
    return showCases(version, {
      'unary, binary': () => page.evaluate(grpcUnary, { base, format: 'binary' }),
      'unary, text': () => page.evaluate(grpcUnary, { base, format: 'text' }),
      'server stream': () => page.evaluate(grpcStream, { base }),
      'status of an error': () => page.evaluate(grpcError, { base }),
    });
  });
}

/** The library, as far as it is used here: messages are bytes as they are. */
interface GrpcWeb {
  GrpcWebClientBase: new (options: {
    format: string;
  }) => {
    unaryCall(url: string, message: Uint8Array, metadata: object, method: object): Promise<Uint8Array>;
    serverStreaming(url: string, message: Uint8Array, metadata: object, method: object): EventsOfAStream;
  };
  MethodDescriptor: new (
    name: string,
    kind: string,
    request: unknown,
    response: unknown,
    write: (message: Uint8Array) => Uint8Array,
    read: (bytes: Uint8Array) => Uint8Array,
  ) => object;
}
interface EventsOfAStream {
  on(event: 'data', then: (message: Uint8Array) => void): void;
  on(event: 'status' | 'error', then: (status: { code: number; message: string }) => void): void;
  on(event: 'end', then: () => void): void;
}

async function grpcUnary({ base, format }: { base: string; format: string }): Promise<void> {
  const { GrpcWebClientBase, MethodDescriptor } = (globalThis as unknown as { grpcWeb: GrpcWeb }).grpcWeb;
  const same = (bytes: Uint8Array): Uint8Array => bytes;
  const method = new MethodDescriptor('/serin.Kinds/Unary', 'unary', Uint8Array, Uint8Array, same, same);
  const client = new GrpcWebClientBase({ format });
  for (const size of [0, 1, 3, 1000, 300_000]) {
    const sent = new Uint8Array(size).map((_, i) => i & 255);
    const got = await client.unaryCall(`${base}/serin.Kinds/Unary`, sent, {}, method);
    if (got.length !== size || got.some((byte, i) => byte !== sent[i]))
      throw new Error(`${size} bytes came back otherwise`);
  }
}

async function grpcStream({ base }: { base: string }): Promise<void> {
  const { GrpcWebClientBase, MethodDescriptor } = (globalThis as unknown as { grpcWeb: GrpcWeb }).grpcWeb;
  const same = (bytes: Uint8Array): Uint8Array => bytes;
  const method = new MethodDescriptor(
    '/serin.Kinds/ServerStream',
    'server_streaming',
    Uint8Array,
    Uint8Array,
    same,
    same,
  );
  const client = new GrpcWebClientBase({ format: 'text' });
  const stream = client.serverStreaming(
    `${base}/serin.Kinds/ServerStream`,
    new Uint8Array([1, 2, 3]),
    {},
    method,
  );
  let messages = 0;
  await new Promise<void>((resolve, reject) => {
    stream.on('data', (message) => {
      if (message.length === 3) messages++;
    });
    stream.on('error', ({ message }) => reject(new Error(message)));
    stream.on('end', () => resolve());
  });
  if (messages !== 100) throw new Error(`${messages} messages`);
}

async function grpcError({ base }: { base: string }): Promise<void> {
  const { GrpcWebClientBase, MethodDescriptor } = (globalThis as unknown as { grpcWeb: GrpcWeb }).grpcWeb;
  const same = (bytes: Uint8Array): Uint8Array => bytes;
  const method = new MethodDescriptor('/serin.Kinds/None', 'unary', Uint8Array, Uint8Array, same, same);
  const client = new GrpcWebClientBase({ format: 'binary' });
  const code = await client.unaryCall(`${base}/serin.Kinds/None`, new Uint8Array(1), {}, method).then(
    () => 0,
    (error: { code: number }) => error.code,
  );
  if (code !== 12) throw new Error(`status ${code}`);
}
