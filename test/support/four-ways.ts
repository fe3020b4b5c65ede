import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type Recorded, startPlane, startRecorder, type TestPlane } from './data-plane.ts';
import { startHttp1Recorder } from './http1-recorder.ts';
import { until } from './serin.ts';

/** What a client speaks, and what the upstream does. */
export const ways = [
  ['h1', 'h1'],
  ['h1', 'h2'],
  ['h2', 'h1'],
  ['h2', 'h2'],
] as const;

/** One of {@link ways}. */
export type Way = (typeof ways)[number];

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** A call's answer, and what the upstream got of it. */
export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** Null where it got nothing. */
  readonly got: Headers | null;
  readonly path: string;
}

/** A data plane with a backend of each protocol, under /h1/ and /h2/. */
export interface FourWays {
  readonly plane: TestPlane;
  /** Calls `/UPSTREAM/` plus `path` as a client of `client`. */
  ask(way: Way, headers?: Headers, path?: string, method?: string): Promise<Seen>;
  /** Compiles other settings: YAML documents behind the Mappings. */
  configure(more: string): Promise<void>;
  close(): Promise<void>;
}

/** The Mappings, with further fields of a flow mapping. */
function mappings(fields: string): string {
  const mapping = (name: string, grpc: boolean): string => `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: ${name}}
spec: {prefix: /${name}/, rewrite: "", service: "${name}:80", grpc: ${grpc}${fields}}
`;
  return mapping('h1', false) + mapping('h2', true);
}

/** The Module "ambassador" with a configuration, as a flow mapping without its braces. */
export function moduleOf(config: string): string {
  return `---
apiVersion: getambassador.io/v3alpha1
kind: Module
metadata: {name: ambassador}
spec: {config: {${config}}}
`;
}

/** Starts one. @param more YAML documents. @param fields of both Mappings, with a comma in front. */
export async function startFourWays(
  more: string,
  options: Parameters<typeof startPlane>[2] & { readonly fields?: string; readonly answer?: Answer } = {},
): Promise<FourWays> {
  const { fields = '', answer: answering, ...rest } = options;
  const one =
    answering === undefined ? await startHttp1Recorder() : await serve(http.createServer(answering));
  const two =
    answering === undefined ? await startRecorder() : await serve(http2.createServer(answering as never));
  const resolve = { 'h1:80': [one.port], 'h2:80': [two.port] };
  const plane = await startPlane(mappings(fields) + more, resolve, rest);
  const agent = new http.Agent({ keepAlive: true });
  const session = http2.connect(`http://127.0.0.1:${plane.port}`);
  session.on('error', () => {});
  const ask: FourWays['ask'] = async ([client, upstream], headers = {}, path = '', method = 'GET') => {
    const recorder = upstream === 'h1' ? one : two;
    const before = recorder.requests.length;
    const full = `/${upstream}/${path}`;
    const answer =
      client === 'h1'
        ? await askHttp1(agent, plane.port, full, method, headers)
        : await askHttp2(session, plane.port, full, method, headers);
    const reached = answering === undefined && answer.headers['x-serin-reason'] === undefined;
    if (reached) await until(() => recorder.requests.length > before, 5000);
    const got: Recorded | null = recorder.requests[before] ?? null;
    return { ...answer, got: got?.headers ?? null, path: got?.path ?? '' };
  };
  return {
    plane,
    ask,
    configure: (documents) => plane.configure(mappings(fields) + documents),
    close: async () => {
      agent.destroy();
      session.destroy();
      await plane.close();
      one.close();
      two.close();
    },
  };
}

/** How both backends answer, in place of recording. */
type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void;

async function serve(server: http.Server | http2.Http2Server) {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = (): void => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, requests: [], close };
}

async function askHttp1(agent: http.Agent, port: number, path: string, method: string, headers: Headers) {
  const request = http.request({ agent, port, host: '127.0.0.1', path, method, headers: { ...headers } });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) };
}

async function askHttp2(
  session: http2.ClientHttp2Session,
  port: number,
  path: string,
  method: string,
  { host = `127.0.0.1:${port}`, ...headers }: Headers,
) {
  const stream = session.request({
    ':path': path,
    ':method': method,
    ':authority': String(host),
    ...headers,
  });
  stream.end();
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return { status: Number(head[':status']), headers: head, body: Buffer.concat(parts) };
}
