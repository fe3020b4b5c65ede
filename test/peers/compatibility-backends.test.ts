import { mkdtempSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe } from 'vitest';
import { bodyLengths, type Row, runClient, testRows, versionOf } from '../support/compatibility.ts';
import { isInstalled, type Peer, python } from '../support/peer.ts';
import { startReference1 } from '../support/reference-backend.ts';
import { type RunningSerin, startSerin } from '../support/serin.ts';
import { type StartedBackend, startGo, startGunicorn, startNginx, startUvicorn } from './backends/start.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const goProgram = here('../../.peers/compat-go');
const setup = 'test/peers/setup.sh';
const peers = {
  node: { name: 'Node', probe: [process.execPath, '--version'], install: 'https://nodejs.org' },
  go: { name: 'Go’s net/http', probe: ['test', '-x', goProgram], install: `${setup} (needs Go)` },
  gunicorn: { name: 'gunicorn', probe: [python, '-c', 'import gunicorn'], install: setup },
  uvicorn: { name: 'uvicorn', probe: [python, '-c', 'import uvicorn'], install: setup },
  nginx: { name: 'nginx', probe: ['nginx', '-v'], install: 'apt-get install nginx-light' },
} as const satisfies Record<string, Peer>;

/** Bursts of calls on connections that the backend is just about to close, has just closed, or closes at that moment. */
interface Hammering {
  /** For how long the backend keeps idle connections, in seconds. */
  readonly keptSeconds: number;
  readonly rounds: number;
  /** In how many of them POSTs come at the moment at which it closes, too. */
  readonly latePosts: number;
}

interface Backend {
  readonly peer: Peer;
  /** Of its Mapping, and of the path that leads to it. */
  readonly path: string;
  readonly name: string;
  readonly protocols: string;
  readonly cases: readonly string[];
  readonly hammering?: Hammering;
  start(): Promise<StartedBackend>;
  version(): Promise<string>;
}

const plain = ['GET', 'GET without length', 'POST', 'POST without length', 'HEAD', '204', '304'];
const expectation = 'Expect: 100-continue';
const early = 'kept connections that it closes';
const folder = mkdtempSync(join(tmpdir(), 'serin-backends-'));
const goVersion = (): Promise<string> => versionOf(peers.go, [goProgram, 'version'], /go([\d.]+)/);
const packageVersion = (peer: Peer, name: string) => (): Promise<string> =>
  versionOf(peer, [python, '-c', `import ${name}; print(${name}.__version__)`], /([\d.]+)/);

const all: readonly Backend[] = [
  {
    peer: peers.node,
    path: 'node',
    name: 'node:http',
    protocols: 'HTTP/1.1',
    cases: [...plain, 'answer trailers', 'request trailers', '103', expectation, 'Upgrade'],
    start: async () => {
      const { port, close } = await startReference1();
      return { port, stop: close };
    },
    version: async () => process.version.slice(1),
  },
  {
    peer: peers.go,
    path: 'go',
    name: 'Go’s net/http',
    protocols: 'HTTP/1.1',
    cases: [...plain, 'answer trailers', 'request trailers', '103', expectation, 'Upgrade'],
    start: () => startGo(goProgram),
    version: goVersion,
  },
  {
    peer: peers.go,
    path: 'go2',
    name: 'Go’s net/http',
    protocols: 'HTTP/2',
    cases: [...plain, 'answer trailers', 'request trailers', '103', expectation],
    start: () => startGo(goProgram),
    version: goVersion,
  },
  {
    peer: peers.gunicorn,
    path: 'gunicorn',
    name: 'gunicorn',
    protocols: 'HTTP/1.1',
    cases: [...plain, expectation],
    hammering: { keptSeconds: 2, rounds: 2, latePosts: 1 },
    start: () => startGunicorn(2),
    version: packageVersion(peers.gunicorn, 'gunicorn'),
  },
  {
    peer: peers.uvicorn,
    path: 'uvicorn',
    name: 'uvicorn',
    protocols: 'HTTP/1.1',
    cases: [...plain, expectation],
    hammering: { keptSeconds: 5, rounds: 1, latePosts: 0 },
    start: () => startUvicorn(5),
    version: packageVersion(peers.uvicorn, 'uvicorn'),
  },
  {
    peer: peers.nginx,
    path: 'nginx',
    name: 'nginx',
    protocols: 'HTTP/1.1',
    cases: ['GET', 'GET without length', 'PUT', 'PUT without length', 'HEAD', '204', '304'],
    hammering: { keptSeconds: 1, rounds: 3, latePosts: 2 },
    start: () => startNginx(folder, '1s'),
    version: () => versionOf(peers.nginx, ['nginx', '-v'], /nginx\/([\d.]+)/),
  },
];

const running: StartedBackend[] = [];
let serin: RunningSerin;
/** Begun before all tests, since it is waiting for the most part: what went wrong of each. */
const hammered = new Map<string, Promise<string>>();

beforeAll(async () => {
  const here = all.filter(({ peer }) => isInstalled(peer));
  const manifest: string[] = [];
  const args: string[] = [];
  for (const { path, protocols, start } of here) {
    const backend = await start();
    running.push(backend);
    const spec = protocols === 'HTTP/2' ? 'grpc: true' : 'allow_upgrade: [echo]';
    manifest.push(`---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: ${path}}
spec: {hostname: "*", prefix: /${path}/, service: "${path}:80", timeout_ms: 0, ${spec}}
`);
    args.push('--resolve', `${path}.default:80=127.0.0.1:${backend.port}`);
  }
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, manifest.join(''));
  serin = await startSerin([file, '--workers', '1', ...args]);
  for (const { path, hammering } of here) {
    if (hammering !== undefined) hammered.set(path, hammer(path, hammering));
  }
});

afterAll(async () => {
  await serin?.stop();
  for (const backend of running) backend.stop();
});

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Calls of a burst, all at once: one after the other would take the connection that was used last again and again. */
const lanes = 24;
/** Milliseconds between the moment at which the backend closes and the bursts of the rounds. */
const offsetsMs = [1, -4, 8];

/**
 * Many calls at once, so that many connections are idle from then on, and again at about the time at which the backend closes
 * them. A GET is sent again where its connection was closed; a POST takes no connection that has been idle for more than a
 * second, which with 50 ms to spare is before any of these backends closes it, or after.
 */
async function hammer(path: string, { keptSeconds, rounds, latePosts }: Hammering): Promise<string> {
  const agent = new http.Agent({ keepAlive: true });
  const wrong: string[] = [];
  const call = async (method: 'GET' | 'POST', afterMs: number): Promise<void> => {
    const { status, text } = await ask(agent, method, `/${path}/${method === 'GET' ? 'bytes/1' : 'post'}`);
    if (status !== 200) wrong.push(`${method} after ${Math.round(afterMs)} ms: ${status} ${text.trim()}`);
  };
  const burst = async (method: 'GET' | 'POST', afterMs: number): Promise<void> => {
    await wait(afterMs);
    await Promise.all(Array.from({ length: lanes }, () => call(method, afterMs)));
  };

  await burst('GET', 0);
  for (let round = 0; round < rounds; round++) {
    const closedMs = keptSeconds * 1000 + offsetsMs[round]!;
    await burst('GET', closedMs);
    await burst('POST', 900);
    await burst('GET', 0);
    if (round < latePosts) await burst('POST', closedMs + 10);
  }
  agent.destroy();
  return wrong.join('; ');
}

function ask(
  agent: http.Agent,
  method: 'GET' | 'POST',
  path: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const headers = method === 'POST' ? { 'content-length': 4 } : {};
    const request = http.request(`http://${serin.listen}${path}`, { method, agent, headers });
    request.on('error', (error) => resolve({ status: 0, text: error.message }));
    request.on('response', (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () =>
        resolve({ status: response.statusCode!, text: String(Buffer.concat(pieces)) }),
      );
    });
    request.end(method === 'POST' ? 'body' : undefined);
  });
}

const rows = all.map(
  ({ peer, path, name, protocols, cases, hammering, version }): Row => ({
    peer,
    name,
    protocols,
    cases: hammering === undefined ? cases : [...cases, early],
    run: async () => {
      const program = [here('clients/node.mjs'), 'http', `http://${serin.listen}/${path}`];
      const { cases: shown } = await runClient([
        process.execPath,
        ...program,
        cases.join(),
        bodyLengths.join(),
      ]);
      const results = new Map(shown);
      if (hammering !== undefined) results.set(early, await hammered.get(path)!);
      return { version: await version(), cases: results };
    },
  }),
);

describe('backends', () => testRows('backend', rows));
