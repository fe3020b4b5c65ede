import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Recorded, Recorder } from './data-plane.ts';

/** As {@link Recorder}, with an HTTP/1.1 backend (Node's), which also keeps every byte that it got. */
export interface Http1Recorder extends Recorder {
  /** All bytes since the last `forget`, of all connections one after another. */
  wire(): Buffer;
  forget(): void;
}

/** Starts one that answers `200 ok`. */
export async function startHttp1Recorder(): Promise<Http1Recorder> {
  const requests: Recorded[] = [];
  const sockets = new Set<Socket>();
  let pieces: Buffer[] = [];
  let open = 0;
  let mostOpen = 0;
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    mostOpen = Math.max(mostOpen, ++open);
    response.on('close', () => open--);
    const body: Buffer[] = [];
    request.on('data', (data: Buffer) => body.push(data));
    request.on('close', () => {
      requests.push({
        method: request.method!,
        path: request.url!,
        headers: request.headers,
        raw: request.rawHeaders,
        body: Buffer.concat(body),
        complete: request.complete,
      });
    });
    request.on('end', () => {
      response.setHeader('content-length', 2);
      response.end('ok');
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('data', (data: Buffer) => pieces.push(Buffer.from(data)));
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    mostOpen: () => mostOpen,
    wire: () => Buffer.concat(pieces),
    forget: () => {
      pieces = [];
      requests.length = 0;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
