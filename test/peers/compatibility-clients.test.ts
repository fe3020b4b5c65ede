import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';
import {
  bodyLengths,
  type Row,
  runClient,
  type Shown,
  testRows,
  together,
  versionOf,
} from '../support/compatibility.ts';
import { type KindsServer, startKindsServer } from '../support/kinds-server.ts';
import { type Peer, python } from '../support/peer.ts';
import { type ReferenceBackend, startReference1, startReference2 } from '../support/reference-backend.ts';
import { scrape, sum } from '../support/scrape.ts';
import { type RunningSerin, startSerin } from '../support/serin.ts';
import { context, pair } from '../support/tls-manifests.ts';
import { type EchoServer, startEcho1, startEcho2 } from '../support/websocket.ts';
import {
  browserCaseNames,
  browserCases,
  chromium,
  grpcWebCaseNames,
  grpcWebCases,
} from './clients/chromium.ts';
import { type CurlProtocol, curl } from './clients/curl.ts';
import { nghttp } from './clients/nghttp.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const goProgram = here('../../.peers/compat-go');
const javaClasses = here('../../.peers/java/classes');
const setup = 'test/peers/setup.sh';
const peers = {
  curl: { name: 'curl', probe: ['curl', '--version'], install: 'apt-get install curl' },
  nghttp: { name: 'nghttp', probe: ['nghttp', '--version'], install: 'apt-get install nghttp2-client' },
  node: { name: 'Node', probe: [process.execPath, '--version'], install: 'https://nodejs.org' },
  go: { name: 'Go’s net/http', probe: ['test', '-x', goProgram], install: `${setup} (needs Go)` },
  httpx: { name: 'httpx', probe: [python, '-c', 'import httpx, h2'], install: setup },
  websockets: {
    name: 'websockets',
    probe: [python, '-c', 'import websockets.asyncio.client'],
    install: setup,
  },
  java: {
    name: 'Java’s HttpClient',
    probe: ['test', '-e', `${javaClasses}/HttpPeer.class`],
    install: `${setup} (needs Java 17 and Maven)`,
  },
} as const satisfies Record<string, Peer>;

const webModule = `---
apiVersion: getambassador.io/v3alpha1
kind: Module
metadata: {name: ambassador}
spec: {config: {enable_grpc_web: true}}
`;
const folder = mkdtempSync(join(tmpdir(), 'serin-compatibility-'));
const ca = join(folder, 'ca.pem');
/** What is long goes to one of the backends: the way of bodies is the same behind the client's side. */
const shorter = [0, 1, 65_536, 300_000];
const cleartext = (): string => `http://${serin.listen}`;
const secured = (): string => `https://${serin.listen}`;

let serin: RunningSerin;
let backends: ReferenceBackend[] = [];
let echoes: EchoServer[] = [];
let kinds: KindsServer;

beforeAll(async () => {
  backends = await Promise.all([startReference1(), startReference2()]);
  echoes = await Promise.all([startEcho1(), startEcho2()]);
  kinds = await startKindsServer();
  const authority = makeCertificate({ subject: 'authority' });
  const certificate = makeCertificate({ subject: 'gateway', names: ['127.0.0.1'], issuer: authority });
  writeFileSync(ca, authority.certificate);
  const mapping = (name: string, spec: string): string => `---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: ${name}}
spec: {hostname: "*", prefix: /${name}/, service: "${name}:80", timeout_ms: 0, ${spec}}
`;
  const manifest =
    pair('gateway', certificate) +
    context('gateway', 'hosts: ["*"], secret: gateway') +
    mapping('h1', 'allow_upgrade: [echo]') +
    mapping('h2', 'grpc: true') +
    mapping('ws1', 'allow_upgrade: [websocket]') +
    mapping('ws2', 'grpc: true, allow_upgrade: [websocket]') +
    mapping('cors', 'cors: {origins: "*", methods: "PUT", headers: "x-custom"}') +
    mapping('kinds', 'grpc: true').replace('/kinds/', '/serin.Kinds/, rewrite: ""') +
    webModule;
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, manifest);
  const ports = {
    h1: backends[0]!,
    h2: backends[1]!,
    ws1: echoes[0]!,
    ws2: echoes[1]!,
    cors: backends[0]!,
    kinds,
  };
  const resolve = Object.entries(ports).flatMap(([name, { port }]) => [
    '--resolve',
    `${name}.default:80=127.0.0.1:${port}`,
  ]);
  serin = await startSerin([file, '--workers', '1', ...resolve]);
});

afterAll(async () => {
  await serin?.stop();
  for (const backend of [...backends, ...echoes, kinds]) backend?.close();
});

async function opened(): Promise<number> {
  return sum(await scrape(serin.admin), 'serin_connections_opened_total', 'downstream');
}

/** Client connections that were opened meanwhile; workers report ten times a second. */
async function connectionsOf(run: () => Promise<unknown>): Promise<number> {
  await wait(reportedMs);
  const before = await opened();
  await run();
  await wait(reportedMs);
  return (await opened()) - before;
}

const reportedMs = 130;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const plain = ['GET', 'GET without length', 'POST', 'POST without length', 'HEAD', '204', '304'];
/** No other upgrade than a WebSocket has a counterpart in HTTP/2. */
const onlyToHttp1 = new Set(['Upgrade']);

/** Cases of a client that is a program of its own, to both backends; for the second its connections are counted. */
async function programCases(
  cases: readonly string[],
  program: (base: string, cases: string, lengths: string) => [string, ...string[]],
  base: string,
  mostConnections: number,
): Promise<Shown> {
  const own = cases.filter((name) => name !== 'keep-alive');
  const runs = [await runClient(program(`${base}/h1`, own.join(), bodyLengths.join()))];
  const connections = await connectionsOf(async () => {
    const names = own.filter((name) => !onlyToHttp1.has(name));
    runs.push(await runClient(program(`${base}/h2`, names.join(), shorter.join())));
  });
  const why = connections >= 1 && connections <= mostConnections ? '' : `${connections} connections`;
  return together([...runs, { version: '', cases: new Map([['keep-alive', why]]) }]);
}

const curlRow = (
  protocols: string,
  base: () => string,
  protocol: CurlProtocol,
  cases: readonly string[],
): Row => ({
  peer: peers.curl,
  name: 'curl',
  protocols,
  cases,
  run: async () => {
    const version = await versionOf(peers.curl, ['curl', '--version'], /^curl ([\d.]+)/);
    const [one, two] = [`${base()}/h1`, `${base()}/h2`];
    return together([
      await curl(one, ca, folder, protocol, version, cases, bodyLengths),
      await curl(two, ca, folder, protocol, version, cases, shorter),
    ]);
  },
});

const nghttpRow = (protocols: string, base: () => string): Row => {
  const cases = [...plain, 'keep-alive', 'answer trailers', 'request trailers', '103'];
  return {
    peer: peers.nghttp,
    name: 'nghttp',
    protocols,
    cases,
    run: async () => {
      const version = await versionOf(peers.nghttp, ['nghttp', '--version'], /nghttp2\/([\d.]+)/);
      return together([
        await nghttp(`${base()}/h1`, folder, version, cases, bodyLengths),
        await nghttp(`${base()}/h2`, folder, version, cases, shorter),
      ]);
    },
  };
};

const programRow = (
  peer: Peer,
  name: string,
  protocols: string,
  base: () => string,
  more: readonly string[],
  program: (base: string, cases: string, lengths: string) => [string, ...string[]],
  mostConnections = 1,
): Row => {
  const cases = [...plain, ...more, 'keep-alive'];
  return { peer, name, protocols, cases, run: () => programCases(cases, program, base(), mostConnections) };
};

const nodeRow = (
  name: string,
  mode: string,
  protocols: string,
  base: () => string,
  more: readonly string[],
): Row =>
  programRow(
    peers.node,
    name,
    protocols,
    base,
    more,
    (url, cases, sizes) => [
      'env',
      `NODE_EXTRA_CA_CERTS=${ca}`,
      process.execPath,
      here('clients/node.mjs'),
      mode,
      url,
      cases,
      sizes,
    ],
    // fetch opens another behind each HEAD, and where the one before is not free yet at the moment of the next call.
    mode === 'fetch' ? 8 : 1,
  );

const goRow = (protocols: string, version: '1' | '2', base: () => string, more: readonly string[]): Row =>
  programRow(peers.go, 'Go’s net/http', protocols, base, more, (url, cases, sizes) => [
    goProgram,
    'client',
    version,
    url,
    cases,
    sizes,
    ca,
  ]);

const httpxRow = (protocols: string, version: '1' | '2', base: () => string): Row =>
  programRow(
    peers.httpx,
    'Python’s httpx',
    protocols,
    base,
    ['103 (passed over)', 'answer trailers (passed over)'],
    (url, cases, sizes) => [python, here('clients/httpx_client.py'), version, url, cases, sizes, ca],
  );

const javaRow = (protocols: string, asked: '1' | '2', spoken: '1' | '2', base: () => string): Row =>
  programRow(
    peers.java,
    'Java’s HttpClient',
    protocols,
    base,
    ['Expect: 100-continue', 'answer trailers (passed over)'],
    (url, cases, sizes) => ['java', '-cp', javaClasses, 'HttpPeer', asked, spoken, url, cases, sizes, ca],
  );

const websocketCases = [
  'messages of 0 bytes to 16 MiB',
  'fragments',
  'pings',
  'close codes',
  'permessage-deflate',
  'invalid UTF-8',
];
const websocketRow = (protocols: string, base: () => string): Row => ({
  peer: peers.websockets,
  name: 'Python’s websockets',
  protocols,
  cases: websocketCases,
  run: async () => {
    const program = (path: string, cases: readonly string[]): Promise<Shown> =>
      runClient([
        python,
        here('clients/websockets_client.py'),
        `${base().replace('http', 'ws')}/${path}/`,
        cases.join(),
        ca,
      ]);
    // The backend of HTTP/2 is `ws` without its handshake, and so without its extensions.
    const without = websocketCases.filter((name) => name !== 'permessage-deflate');
    return together([await program('ws1', websocketCases), await program('ws2', without)]);
  },
});

function browserRows(protocols: string, protocol: string, base: () => string): Row[] {
  const row = { peer: chromium, protocols };
  return [
    {
      ...row,
      name: 'Chromium',
      cases: browserCaseNames,
      run: () => browserCases(base(), protocol, shorter),
    },
    { ...row, name: 'npm’s grpc-web in Chromium', cases: grpcWebCaseNames, run: () => grpcWebCases(base()) },
  ];
}

const http1Only = ['103', 'Expect: 100-continue'];
const rows: readonly Row[] = [
  curlRow('HTTP/1.0', cleartext, { flags: ['-0'], version: '1.0' }, [
    'GET',
    'GET without length',
    'POST',
    'HEAD',
    '204',
    '304',
  ]),
  curlRow('HTTP/1.1', cleartext, { flags: ['--http1.1'], version: '1.1' }, [
    ...plain,
    'keep-alive',
    'answer trailers',
    ...http1Only,
  ]),
  curlRow('HTTP/1.1 with Upgrade: h2c', cleartext, { flags: ['--http2'], version: '1.1' }, plain),
  // No keep-alive: the second call on such a connection fails in curl 7.88 itself, whatever the server.
  curlRow('HTTP/2', cleartext, { flags: ['--http2-prior-knowledge'], version: '2' }, [
    ...plain,
    'answer trailers',
    '103',
  ]),
  curlRow('HTTP/1.1 over TLS 1.2', secured, { flags: ['--http1.1', '--tls-max', '1.2'], version: '1.1' }, [
    ...plain,
    'keep-alive',
  ]),
  curlRow('HTTP/2 over TLS 1.3', secured, { flags: ['--tlsv1.3'], version: '2' }, [
    ...plain,
    'keep-alive',
    'answer trailers',
    '103',
  ]),
  nghttpRow('HTTP/2', cleartext),
  nghttpRow('HTTP/2 over TLS', secured),
  nodeRow('Node’s fetch', 'fetch', 'HTTP/1.1', cleartext, []),
  nodeRow('Node’s fetch', 'fetch', 'HTTP/1.1 over TLS', secured, []),
  nodeRow('node:http', 'http', 'HTTP/1.1', cleartext, [
    'answer trailers',
    'request trailers',
    ...http1Only,
    'Upgrade',
  ]),
  nodeRow('node:http', 'http', 'HTTP/1.1 over TLS', secured, [
    'answer trailers',
    'request trailers',
    ...http1Only,
    'Upgrade',
  ]),
  nodeRow('node:http2', 'http2', 'HTTP/2', cleartext, ['answer trailers', 'request trailers', '103']),
  nodeRow('node:http2', 'http2', 'HTTP/2 over TLS', secured, ['answer trailers', 'request trailers', '103']),
  goRow('HTTP/1.1', '1', cleartext, ['answer trailers', 'request trailers', ...http1Only, 'Upgrade']),
  goRow('HTTP/1.1 over TLS', '1', secured, ['answer trailers', 'request trailers', ...http1Only, 'Upgrade']),
  goRow('HTTP/2', '2', cleartext, ['answer trailers', 'request trailers', ...http1Only]),
  goRow('HTTP/2 over TLS', '2', secured, ['answer trailers', 'request trailers', ...http1Only]),
  httpxRow('HTTP/1.1', '1', cleartext),
  httpxRow('HTTP/1.1 over TLS', '1', secured),
  httpxRow('HTTP/2', '2', cleartext),
  httpxRow('HTTP/2 over TLS', '2', secured),
  javaRow('HTTP/1.1', '1', '1', cleartext),
  javaRow('HTTP/1.1 with Upgrade: h2c', '2', '1', cleartext),
  javaRow('HTTP/1.1 over TLS', '1', '1', secured),
  javaRow('HTTP/2 over TLS', '2', '2', secured),
  websocketRow('HTTP/1.1', cleartext),
  websocketRow('HTTP/1.1 over TLS', secured),
  ...browserRows('HTTP/1.1', 'http/1.1', cleartext),
  ...browserRows('HTTP/2 over TLS', 'h2', secured),
];

describe('clients', () => testRows('client', rows));
