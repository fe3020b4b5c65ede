import http2 from 'node:http2';
import tls from 'node:tls';
import { type Recorder, startRecorder } from './data-plane.ts';

/** Connections to a port with TLS on this machine. */
export class TlsClients {
  readonly #port: () => number;
  readonly #authority: string;
  readonly #open: { destroy(): void }[] = [];

  /** @param authority the certificate that is believed, as PEM. */
  constructor(port: () => number, authority: string) {
    this.#port = port;
    this.#authority = authority;
  }

  /** A TLS connection that stands, with HTTP/2 agreed on unless told otherwise. Rejects where there is none. */
  async secured(servername: string, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const socket = tls.connect({
      port: this.#port(),
      host: '127.0.0.1',
      ca: this.#authority,
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
      servername,
      ...options,
    });
    this.#open.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
    });
    socket.on('error', () => {});
    return socket;
  }

  /** An HTTP/2 session on a connection; without one, in cleartext. */
  session(socket?: tls.TLSSocket): http2.ClientHttp2Session {
    const url = `${socket === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port()}`;
    const client = http2.connect(url, socket === undefined ? {} : { createConnection: () => socket });
    client.on('error', () => {});
    this.#open.push(client);
    return client;
  }

  /** Closes all of them. */
  close(): void {
    for (const one of this.#open.splice(0)) one.destroy();
  }
}

/** Makes a call and waits for its end; rejects where there is no answer. */
export async function get(
  client: http2.ClientHttp2Session,
  host: string,
  path = '/',
  more: http2.OutgoingHttpHeaders = {},
): Promise<{ status: number; body: string; headers: http2.IncomingHttpHeaders }> {
  const stream = client.request({ ':path': path, ':authority': host, ...more });
  stream.end();
  return new Promise((resolve, reject) => {
    let headers: http2.IncomingHttpHeaders = {};
    let body = '';
    stream.on('response', (head) => {
      headers = head;
    });
    stream.on('data', (data) => {
      body += data;
    });
    stream.on('error', reject);
    stream.on('close', () => {
      if (headers[':status'] === undefined) reject(new Error('no answer'));
      else resolve({ status: Number(headers[':status']), body, headers });
    });
    client.on('close', () => reject(new Error('the session is closed')));
  });
}

/** A backend that answers `ok`, on /large with 3,000,000 bytes, and on /held when told to. */
export interface Holding {
  readonly recorder: Recorder;
  /** What answers each call of /held that waits. */
  readonly held: (() => void)[];
}

/** Starts one. */
export async function startHolding(): Promise<Holding> {
  const held: (() => void)[] = [];
  const recorder = await startRecorder((stream, headers) => {
    stream.on('error', () => {});
    stream.resume();
    const answer = (): void => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200 });
      stream.end(headers[':path'] === '/large' ? Buffer.alloc(3_000_000, 'x') : 'ok');
    };
    if (headers[':path'] === '/held') held.push(answer);
    else stream.on('end', answer);
  });
  return { recorder, held };
}
