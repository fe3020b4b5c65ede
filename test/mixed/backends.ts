import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { KindsServer } from '../support/kinds-server.ts';
import { startKindsServer } from '../support/kinds-server.ts';
import { type EchoServer, startEcho1 } from '../support/websocket.ts';

/** Servers of one version: each gives back what it is sent. */
export interface Backends {
  /** HTTP/1.1. */
  readonly plain: number;
  /** HTTP/2 without TLS. */
  readonly plain2: number;
  readonly grpc: number;
  readonly websocket: number;
  close(): void;
}

/** MB that Node's HTTP/2 lets a session hold; with its default of 10 a few large bodies at a time are refused. */
export const roomy = 1000;

/** Starts stable's or the canary's servers on free ports. */
export async function startBackends(): Promise<Backends> {
  const one = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    request.pipe(response);
    request.on('error', () => response.destroy());
    response.on('error', () => {});
  });
  // A kept connection is the gateway's to close: otherwise the load would be about that race alone.
  one.keepAliveTimeout = 0;
  const two = http2.createServer({ maxSessionMemory: roomy });
  const sessions = new Set<http2.ServerHttp2Session>();
  two.on('session', (session) => sessions.add(session));
  two.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
    stream.pipe(stream);
  });
  const grpc: KindsServer = await startKindsServer();
  const websocket: EchoServer = await startEcho1();
  return {
    plain: await listen(one),
    plain2: await listen(two),
    grpc: grpc.port,
    websocket: websocket.port,
    close: () => {
      one.closeAllConnections();
      one.close();
      for (const session of sessions) session.destroy();
      two.close();
      grpc.close();
      websocket.close();
    },
  };
}

async function listen(server: http.Server | http2.Http2Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}
