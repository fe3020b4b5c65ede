import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { PeerMessage } from '../conformance/http1-compare.ts';

/** An HTTP/1.1 server that reads strictly (llhttp) and keeps what it read, and the bytes that it read it from. */
export interface StrictBackend {
  readonly port: number;
  /** Complete requests, in the order of their ends; whoever has looked at them empties it. */
  readonly received: PeerMessage[];
  /** All bytes of each connection. */
  connections(): Buffer[];
  /** Connections whose bytes it could not read, with its reason. */
  readonly refused: { readonly bytes: string; readonly why: string }[];
  close(): void;
}

/** Starts one; it answers 200 to each request behind its last byte. */
export async function startStrictBackend(): Promise<StrictBackend> {
  const received: PeerMessage[] = [];
  const refused: { bytes: string; why: string }[] = [];
  const pieces = new Map<Socket, Buffer[]>();
  const take: http.RequestListener = (request, response) => {
    const body: Buffer[] = [];
    request.on('error', () => {});
    request.on('data', (data: Buffer) => body.push(data));
    request.on('end', () => {
      received.push({
        method: request.method!,
        target: request.url!,
        host: request.headers.host ?? '',
        fields: pairs(request.rawHeaders),
        body: Buffer.concat(body).toString('latin1'),
        trailers: pairs(request.rawTrailers),
      });
      response.end('ok');
    });
  };
  const server = http.createServer({ maxHeaderSize: 262_144 }, take);
  // By default it answers expectations that it does not know with 417.
  server.on('checkExpectation', take);
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    const all: Buffer[] = [];
    pieces.set(socket, all);
    socket.on('data', (data) => all.push(data));
  });
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    // A connection that ends in the middle of a request is how the gateway gives one up.
    if (error.code !== 'ECONNRESET' && error.code !== 'HPE_INVALID_EOF_STATE') {
      const bytes = Buffer.concat(pieces.get(socket as Socket) ?? []).toString('latin1');
      refused.push({ bytes, why: error.code ?? error.message });
    }
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    connections: () => [...pieces.values()].map((all) => Buffer.concat(all)),
    refused,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function pairs(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i]!, list[2 * i + 1]!]);
}
