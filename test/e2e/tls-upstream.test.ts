import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { RawHttp1 } from '../support/raw-http1.ts';
import { context, pair, secret } from '../support/tls-manifests.ts';

const authority = makeCertificate({ subject: 'authority' });
const issued = (subject: string, names: string[]): TestCertificate =>
  makeCertificate({ subject, names, issuer: authority });
const good = issued('web', ['web', 'web.example.org']);
const client = issued('gateway', ['gateway']);

/** What the upstream saw of a request and its connection. */
interface Seen {
  readonly serverName: string | false | undefined;
  readonly alpn: string | false | null;
  readonly client: string;
  readonly resumed: boolean;
  readonly scheme: string;
}

let seen: Seen[] = [];
let web: https.Server;
let rpc: http2.Http2SecureServer;
const sessions = new Set<http2.ServerHttp2Session>();
let plane: TestPlane;

function note(socket: TLSSocket, scheme: string): void {
  seen.push({
    serverName: (socket as unknown as { servername?: string | false }).servername,
    alpn: socket.alpnProtocol,
    client: socket.getPeerX509Certificate()?.subject ?? '',
    resumed: socket.isSessionReused(),
    scheme,
  });
}

beforeAll(async () => {
  const material = {
    cert: good.certificate,
    key: good.privateKey,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
  };
  web = https.createServer({ ...material, ALPNProtocols: ['http/1.1'] }, (request, response) => {
    note(request.socket as TLSSocket, 'https');
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => response.end(Buffer.concat(pieces)));
  });
  rpc = http2.createSecureServer(material);
  rpc.on('session', (session) => sessions.add(session));
  rpc.on('stream', (stream, headers) => {
    note(stream.session!.socket as TLSSocket, String(headers[':scheme']));
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  for (const server of [web, rpc]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
});

afterAll(() => {
  web.closeAllConnections();
  web.close();
  for (const session of sessions) session.destroy();
  rpc.close();
});

afterEach(() => plane.close());

const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

async function start(fields: string, objects = '', verifyUpstreams = false): Promise<void> {
  seen = [];
  const mapping = `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /, rewrite: "", ${fields}}
`;
  plane = await startPlane(
    mapping + objects,
    { 'web:443': [port(web)], 'rpc:443': [port(rpc)] },
    { verifyUpstreams },
  );
}

async function call(body = 'hello'): Promise<{ status: number; body: string }> {
  const raw = await RawHttp1.connect(plane.port);
  raw.send(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
  raw.send(body);
  const answer = await raw.answer();
  raw.destroy();
  return { status: answer.status, body: answer.body.toString() };
}

const trust = secret('authority', { 'ca.crt': authority.certificate });

describe('TLS to an upstream', () => {
  it('speaks HTTP/1.1 or HTTP/2 as the Mapping says, with SNI and ALPN', async () => {
    await start('service: "https://web:443"');
    const large = 'x'.repeat(3_000_000);
    for (let n = 0; n < 3; n++) expect(await call(large)).toEqual({ status: 200, body: large });
    expect(seen[0]).toEqual({
      serverName: 'web',
      alpn: 'http/1.1',
      client: '',
      resumed: false,
      scheme: 'https',
    });
    expect(plane.counter('UPSTREAM_OPENED')).toBe(1);
    await plane.close();
    await start('service: "https://rpc:443", grpc: true');
    expect(await call(large)).toEqual({ status: 200, body: large });
    expect(seen[0]).toMatchObject({ serverName: 'rpc', alpn: 'h2', scheme: 'https' });
  });

  it('shows a client certificate, and the name that the context says', async () => {
    const tls = context('up', 'secret: gateway, sni: web.example.org, hosts: []');
    await start('service: "web:443", tls: up', tls + pair('gateway', client));
    expect((await call()).status).toBe(200);
    expect(seen[0]).toMatchObject({ serverName: 'web.example.org', client: 'CN=gateway' });
  });

  it('verifies the chain where the context has an authority', async () => {
    const tls = context('up', 'ca_secret: authority, hosts: []');
    await start('service: "web:443", tls: up', tls + trust);
    expect((await call()).status).toBe(200);
    await plane.close();
    const other = makeCertificate({ subject: 'other' });
    await start('service: "web:443", tls: up', tls + secret('authority', { 'ca.crt': other.certificate }));
    const refused = await call();
    expect(refused.status).toBe(503);
    expect(refused.body).toContain('not trusted');
    expect(seen).toEqual([]);
  });

  it('verifies chain and name of all with --verify-upstreams', async () => {
    await start('service: "https://web:443"', '', true);
    expect((await call()).body).toContain('not trusted');
    await plane.close();
    const tls = context('up', 'ca_secret: authority, hosts: []');
    await start('service: "web:443", tls: up', tls + trust, true);
    expect((await call()).status).toBe(200);
    await plane.close();
    const named = context('up', 'ca_secret: authority, sni: elsewhere.example.org, hosts: []');
    await start('service: "web:443", tls: up', named + trust, true);
    expect((await call()).body).toContain('a certificate for another name');
    expect(seen).toEqual([]);
  });

  it('is taken up again without a full handshake, and made anew when the context changes', async () => {
    const tls = (name: string): string => context('up', `secret: gateway, sni: ${name}, hosts: []`);
    const mapping = `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /, rewrite: "", service: "web:443", tls: up}
`;
    await start('service: "web:443", tls: up', tls('one.example.org') + pair('gateway', client));
    await call();
    web.closeAllConnections();
    await expect.poll(() => plane.counter('UPSTREAM_CLOSED')).toBe(1);
    await call();
    expect(seen.map(({ resumed }) => resumed)).toEqual([false, true]);
    await plane.configure(mapping + tls('two.example.org') + pair('gateway', client));
    await call();
    expect(seen.map(({ serverName }) => serverName)).toEqual([
      'one.example.org',
      'one.example.org',
      'two.example.org',
    ]);
  });

  it('never goes on in clear text: to a server without TLS it fails, and says so', async () => {
    await start('service: "https://rpc:443", grpc: true');
    const plain = http2.createServer();
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    await plane.close();
    plane = await startPlane(
      `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /, rewrite: "", service: "https://web:443"}
`,
      { 'web:443': [port(plain)] },
    );
    const answer = await call();
    expect(answer.status).toBe(503);
    expect(answer.body).toMatch(/no connection to the service web/);
    plain.close();
  });
});
