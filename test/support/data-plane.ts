import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { Compiler } from '../../src/compiler/compiler.ts';
import { testOptions } from '../../src/compiler/test-support.ts';
import { GatewayCount, type LimitName, limitIndex } from '../../src/metrics/catalog.ts';
import { WorkerMetrics } from '../../src/metrics/worker-metrics.ts';
import { DataPlane, type DataPlaneOptions } from '../../src/proxy/data-plane.ts';
import { onAccepted } from '../../src/proxy/transport/tcp-handle.ts';

/** A data plane in this process, behind a real port. */
export interface TestPlane {
  readonly port: number;
  readonly plane: DataPlane;
  readonly metrics: WorkerMetrics;
  /** Hits of a limit. */
  hits(limit: LimitName): number;
  counter(name: keyof typeof GatewayCount): number;
  /** Compiles other manifests in place of the first. */
  configure(manifest: string): Promise<void>;
  close(): Promise<void>;
}

/** What {@link startPlane} can be told beside the data plane's own options. */
export interface PlaneOptions extends Partial<DataPlaneOptions> {
  /** The Listener of the manifest is the one that is opened, and not an implied one. */
  readonly ownListener?: boolean;
  readonly verifyUpstreams?: boolean;
  /** The port of the manifests whose connections come in at the real one; by default there is one for everything. */
  readonly on?: number;
}

/** Starts one. @param resolve services (host:port as written) and the ports on 127.0.0.1 that serve them. */
export async function startPlane(
  manifest: string,
  resolve: Readonly<Record<string, readonly number[]>>,
  options: PlaneOptions = {},
): Promise<TestPlane> {
  const compiler = new Compiler({
    ...testOptions,
    verifyUpstreams: options.verifyUpstreams ?? false,
    resolve: Object.entries(resolve).map(([service, ports]) => ({
      service,
      endpoints: ports.map((port) => ({ address: '127.0.0.1', port })),
    })),
    listen:
      options.on === undefined && options.ownListener !== true ? [{ address: '127.0.0.1', port: 1 }] : [],
  });
  const metrics = new WorkerMetrics();
  const plane = new DataPlane({ metrics, onResolve: () => {}, log: () => {}, ...options });
  const configure = async (text: string): Promise<void> => {
    const compiled = compiler.update([{ path: 'test.yaml', text }]);
    const errors = compiled.issues.filter((issue) => issue.severity === 'error');
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
    plane.applyEndpoints(compiled.endpointsPatch);
    if (!(await plane.applySnapshot(compiled.patch))) throw new Error('a patch did not apply');
    const { listeners } = compiled.snapshot;
    listener = (listeners.find(({ port }) => port === options.on) ?? listeners[0]!).name;
  };
  let listener = '';
  await configure(manifest);
  const server = net.createServer({ pauseOnConnect: true });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onAccepted(server, (accepted) => plane.accept(accepted, listener));
  return {
    port: (server.address() as AddressInfo).port,
    plane,
    metrics,
    hits: (limit) => metrics.gateway[limitIndex[limit]!]!,
    counter: (name) => metrics.gateway[GatewayCount[name]]!,
    configure,
    close: async () => {
      plane.close();
      await new Promise((done) => server.close(done));
    },
  };
}

/** What a recorder saw of one request. */
export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: http2.IncomingHttpHeaders;
  readonly raw: readonly string[];
  readonly body: Buffer;
  readonly complete: boolean;
}

/** An HTTP/2 backend that writes down what it gets and answers `200 ok`. */
export interface Recorder {
  readonly port: number;
  readonly requests: Recorded[];
  /** Most requests that were open at one time. */
  mostOpen(): number;
  close(): void;
}

/** Starts one. @param answer answers in place of `ok`. */
export async function startRecorder(
  answer?: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  settings: http2.Settings = {},
  port = 0,
): Promise<Recorder> {
  const requests: Recorded[] = [];
  const sessions = new Set<http2.ServerHttp2Session>();
  let open = 0;
  let mostOpen = 0;
  const server = http2.createServer({
    maxSessionMemory: 2000,
    settings: { maxConcurrentStreams: 1000, ...settings },
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on(
    'stream',
    (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, _flags: number, raw: string[]) => {
      mostOpen = Math.max(mostOpen, ++open);
      stream.on('close', () => open--);
      stream.on('error', () => {});
      const body: Buffer[] = [];
      stream.on('data', (data: Buffer) => body.push(data));
      let complete = false;
      stream.on('end', () => {
        complete = !stream.aborted;
      });
      stream.on('close', () => {
        requests.push({
          method: String(headers[':method']),
          path: String(headers[':path']),
          headers,
          raw,
          body: Buffer.concat(body),
          complete,
        });
      });
      if (answer !== undefined) return answer(stream, headers);
      stream.on('end', () => {
        if (stream.destroyed || stream.aborted) return;
        stream.respond({ ':status': 200, 'content-length': 2 });
        stream.end('ok');
      });
    },
  );
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    mostOpen: () => mostOpen,
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
