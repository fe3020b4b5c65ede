import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { preface } from '../../src/protocol/http2/frames.ts';
import type { Limits } from '../../src/proxy/limits.ts';
import { makeCertificate } from '../support/certificates.ts';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { block, frame, uint32 } from '../support/raw-http2.ts';
import { until } from '../support/serin.ts';
import { get, type Holding, startHolding, TlsClients } from '../support/tls-clients.ts';
import { context, pair, quoteMapping } from '../support/tls-manifests.ts';
import { type EchoServer, startEcho1 } from '../support/websocket.ts';

const certificate = makeCertificate({ subject: 'all', names: ['*.example.org'] });
let upstream: Holding;
let plane: TestPlane;
/** The port that clients connect to. */
let port = 0;
const clients = new TlsClients(() => port, certificate.certificate);

beforeAll(async () => {
  upstream = await startHolding();
});

afterAll(() => upstream?.recorder.close());

afterEach(async () => {
  clients.close();
  await plane.close();
});

async function start(
  manifest: string,
  limits: Partial<Limits> = {},
  others: Readonly<Record<string, readonly number[]>> = {},
): Promise<void> {
  const resolve = { 'quote:80': [upstream.recorder.port], ...others };
  plane = await startPlane(quoteMapping + pair('all', certificate) + manifest, resolve, { limits });
  port = plane.port;
}

describe('Hosts', () => {
  const host = (name: string, action: string): string => `---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: ${name}}
spec:
  hostname: ${name}.example.org
  tlsSecret: {name: all}
  requestPolicy: {insecure: {action: ${action}}}
`;

  beforeEach(() =>
    start(host('redirects', 'Redirect') + host('rejects', 'Reject') + host('routes', 'Route')),
  );

  test.each([
    ['redirects', 301],
    ['rejects', 404],
    ['routes', 200],
  ])('%s: over TLS it is served, in cleartext as its insecure action says', async (name, status) => {
    const hostname = `${name}.example.org`;
    const cleartext = clients.session();
    const answer = await get(cleartext, hostname);
    expect(answer.status).toBe(status);
    if (status === 301) expect(answer.headers.location).toBe(`https://${hostname}/`);
    const overTls = clients.session(await clients.secured(hostname));
    expect(await get(overTls, hostname)).toMatchObject({ status: 200, body: 'ok' });
    // What was found for the one is not remembered for the other.
    expect((await get(cleartext, hostname)).status).toBe(status);
  });

  test('without a certificate for every name refuse the others', async () => {
    await expect(clients.secured('elsewhere.test')).rejects.toThrow(/unrecognized name/i);
  });
});

describe('HTTP/1.1', () => {
  const web = `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /web/, rewrite: "", service: "web:80", allow_upgrade: [websocket]}
`;
  const believing: https.AgentOptions = {
    ca: certificate.certificate,
    servername: 'a.example.org',
    checkServerIdentity: () => undefined,
    ALPNProtocols: ['http/1.1'],
  };
  let echo: EchoServer;

  beforeAll(async () => {
    echo = await startEcho1();
  });

  afterAll(() => echo?.close());

  beforeEach(() => start(web + context('all', 'hosts: ["*"], secret: all'), {}, { 'web:80': [echo.port] }));

  test('is agreed on by ALPN, or without it, and goes on over one connection', async () => {
    const agent = new https.Agent({ ...believing, keepAlive: true, maxSockets: 1 });
    const body = Buffer.alloc(1_000_000, 'x');
    try {
      for (let n = 0; n < 3; n++) {
        const request = https.request({
          agent,
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: '/large',
        });
        request.end(body);
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        let length = 0;
        for await (const part of response) length += (part as Buffer).length;
        expect([response.statusCode, length, request.reusedSocket]).toEqual([200, 3_000_000, n > 0]);
        const got = upstream.recorder.requests.at(-1)!;
        expect([got.headers['x-forwarded-proto'], got.body.length]).toEqual(['https', 1_000_000]);
      }
      const bare = await clients.secured('a.example.org', { ALPNProtocols: [] });
      bare.write('GET / HTTP/1.1\r\nHost: a.example.org\r\nConnection: close\r\n\r\n');
      let text = '';
      for await (const part of bare) text += String(part);
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.|\s)*\r\nok\r\n0\r\n\r\n$/);
    } finally {
      agent.destroy();
    }
  });

  test('becomes a WebSocket', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/web/x`, { agent: new https.Agent(believing) });
    await once(socket, 'open');
    for (const size of [0, 125, 70_000, 4_000_000]) {
      const back = once(socket, 'message') as Promise<[Buffer]>;
      socket.send(Buffer.alloc(size, 'x'));
      expect((await back)[0].length).toBe(size);
    }
    const closed = once(socket, 'close');
    socket.close(4321);
    expect((await closed)[0]).toBe(4321);
  });
});

describe('a data plane', () => {
  const forAll = context('all', 'hosts: ["*"], secret: all');

  test('takes sockets where Node gives no handles: TLS and cleartext', async () => {
    await start(forAll);
    const server = net.createServer({ pauseOnConnect: true }, (socket) =>
      plane.plane.accept(socket, '127.0.0.1:1'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    for (const proto of ['https', 'http']) {
      const socket = proto === 'https' ? await clients.secured('a.example.org') : undefined;
      const answer = await get(clients.session(socket), 'a.example.org');
      expect(answer).toMatchObject({ status: 200, body: 'ok' });
      expect(upstream.recorder.requests.at(-1)!.headers['x-forwarded-proto']).toBe(proto);
    }
    server.close();
  });

  test('makes no second handshake on a connection (TLS 1.2)', async () => {
    await start(forAll);
    const socket = await clients.secured('a.example.org', { maxVersion: 'TLSv1.2' });
    // The one that is asked for is refused by a warning, which Node takes for a fatal error.
    const refused = new Promise((resolve) => socket.once('error', () => resolve('refused')));
    const agreed = new Promise((resolve) => socket.renegotiate({}, (error) => !error && resolve('agreed')));
    expect(await Promise.race([refused, agreed])).toBe('refused');
    const next = await clients.secured('a.example.org', { maxVersion: 'TLSv1.2' });
    expect(await get(clients.session(next), 'a.example.org')).toMatchObject({ status: 200, body: 'ok' });
  });

  test('keeps no connection of a client that has reset it right behind its request', async () => {
    await start(forAll);
    for (let n = 0; n < 30; n++) {
      const below = net.connect(port, '127.0.0.1');
      below.on('error', () => {});
      const options = { servername: 'a.example.org', ALPNProtocols: ['http/1.1'] };
      const socket = tls.connect({ ...options, socket: below, rejectUnauthorized: false });
      socket.on('error', () => {});
      await once(socket, 'secureConnect');
      // In the newest Node a reset at once takes the client's last word of the handshake with it.
      const sent = new Promise((resolve) =>
        socket.write('GET /large HTTP/1.1\r\nHost: a.example.org\r\n\r\n', resolve),
      );
      if (n % 2 === 1) await sent;
      below.resetAndDestroy();
    }
    await until(() => plane.counter('TLS_FULL') > 0 && plane.plane.connections === 0, 1000);
    expect(plane.counter('DOWNSTREAM_CLOSED')).toBe(plane.counter('DOWNSTREAM_OPENED'));
  });

  test('drains: calls over TLS end as they would, and a handshake is given up', async () => {
    await start(forAll);
    const client = clients.session(await clients.secured('a.example.org'));
    const running = get(client, 'a.example.org', '/held');
    await until(() => upstream.held.length === 1, 2000);
    const silent = net.connect(port, '127.0.0.1');
    const gone = new Promise((resolve) => silent.once('close', resolve));
    silent.resume();
    await until(() => plane.plane.connections === 2, 2000);
    const goaway = new Promise((resolve) => client.once('goaway', resolve));
    const drained = plane.plane.drain();
    await Promise.all([gone, goaway]);
    upstream.held.splice(0)[0]!();
    expect(await running).toMatchObject({ status: 200, body: 'ok' });
    client.close();
    await drained;
    expect(plane.plane.connections).toBe(0);
  });

  test('ends a connection to a client that reads nothing, and the others go on', async () => {
    await start(forAll, { stalled_connection: 200 });
    const stalled = await clients.secured('a.example.org');
    const settings = frame(4, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(2 ** 31 - 1)]));
    stalled.write(Buffer.concat([preface, settings, frame(8, 0, 0, uint32(2 ** 30))]));
    const head = block([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/large'],
      [':authority', 'a.example.org'],
    ]);
    for (let n = 0; n < 20; n++) stalled.write(frame(1, 5, 1 + 2 * n, head));
    const other = clients.session(await clients.secured('a.example.org'));
    expect(await get(other, 'a.example.org', '/large')).toMatchObject({ status: 200 });
    await until(() => plane.hits('stalled_connection') > 0, 5000);
    await until(() => plane.plane.connections === 1, 2000);
    expect(await get(other, 'a.example.org')).toMatchObject({ status: 200 });
  });
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)('keys of tickets that are replaced: %s', async (version) => {
  await start(context('all', 'hosts: ["*.example.org"], secret: all, alpn_protocols: h2'));
  const only = { minVersion: version, maxVersion: version };
  const ticketOf = async (): Promise<Buffer> => {
    const socket = await clients.secured('all.example.org', only);
    const tickets: Buffer[] = [];
    socket.on('session', (ticket) => tickets.push(ticket));
    await get(clients.session(socket), 'all.example.org');
    return tickets.at(-1) ?? socket.getSession()!;
  };
  const resumes = async (session: Buffer): Promise<boolean> => {
    const socket = await clients.secured('all.example.org', { ...only, session });
    expect((await get(clients.session(socket), 'all.example.org')).status).toBe(200);
    return socket.isSessionReused();
  };
  const before = await ticketOf();
  expect(await resumes(before)).toBe(true);
  plane.plane.setTicketKeys(Buffer.alloc(48, 7));
  expect(await resumes(before)).toBe(false);
  const after = await ticketOf();
  expect(await resumes(after)).toBe(true);
});
