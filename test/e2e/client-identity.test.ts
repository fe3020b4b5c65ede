import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { moduleOf } from '../support/four-ways.ts';
import { until } from '../support/serin.ts';
import { get, type Holding, startHolding, TlsClients } from '../support/tls-clients.ts';
import { context, pair, quoteMapping, secret } from '../support/tls-manifests.ts';

const ours = makeCertificate({ subject: 'all', names: ['*.example.org', 'spiffe://mesh/edge'] });
const authority = makeCertificate({ subject: 'authority' });
const between = makeCertificate({ subject: 'between', issuer: authority, authority: true });
const friend = makeCertificate({
  subject: 'Jürgen "X", Inc.',
  names: ['client.test', 'two.client.test', 'spiffe://mesh/ns;a="b"'],
  issuer: between,
});
const hash = new X509Certificate(friend.certificate).fingerprint256.replaceAll(':', '').toLowerCase();
const shown = `By=spiffe://mesh/edge;Hash=${hash}`;
const manifest =
  quoteMapping +
  pair('all', ours) +
  secret('ca', { 'tls.crt': authority.certificate }) +
  context('asks', 'hosts: ["asks.example.org"], secret: all, ca_secret: ca') +
  context('demands', 'hosts: ["demands.example.org"], secret: all, ca_secret: ca, cert_required: true') +
  context('silent', 'hosts: ["off.example.org"], secret: all');

let upstream: Holding;
let plane: TestPlane;
const clients = new TlsClients(() => plane.port, ours.certificate);
const shows = ({ certificate, privateKey }: TestCertificate) => ({
  cert: certificate + between.certificate,
  key: privateKey,
});

beforeAll(async () => {
  upstream = await startHolding();
  plane = await startPlane(manifest, { 'quote:80': [upstream.recorder.port] });
});

beforeEach(() => clients.close());

afterAll(async () => {
  clients.close();
  await plane.close();
  upstream.recorder.close();
});

/** What the upstream is told of a client that shows a certificate, or none, and says something itself. */
async function told(
  servername: string,
  {
    certificate = friend as TestCertificate | null,
    says = '',
    protocol = 'h2',
    socketOf = null as SocketOf,
  } = {},
): Promise<string | undefined> {
  const before = upstream.recorder.requests.length;
  const headers = says === '' ? {} : { 'x-forwarded-client-cert': says };
  const identity = certificate === null ? {} : shows(certificate);
  if (protocol === 'h2') {
    const socket = await (socketOf?.() ?? clients.secured(servername, identity));
    expect((await get(clients.session(socket), servername, '/', headers)).status).toBe(200);
  } else {
    const agent = new https.Agent({
      ...identity,
      ca: ours.certificate,
      servername,
      checkServerIdentity: () => undefined,
      ALPNProtocols: ['http/1.1'],
    });
    const request = https.get({
      agent,
      host: '127.0.0.1',
      port: plane.port,
      headers: { ...headers, host: servername },
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    agent.destroy();
  }
  await until(() => upstream.recorder.requests.length > before, 5000);
  return upstream.recorder.requests[before]!.headers['x-forwarded-client-cert'] as string | undefined;
}

type SocketOf = (() => Promise<TLSSocket>) | null;

describe.each(['h2', 'http/1.1'])('forward_client_cert_details (a client of %s)', (protocol) => {
  const theirs = 'Hash=1;Subject="CN=x, O=y"';
  const rows: readonly [mode: string, off: string | null, none: string | null, friend: string | null][] = [
    ['', null, null, null],
    ['SANITIZE', null, null, null],
    ['FORWARD_ONLY', null, null, theirs],
    ['APPEND_FORWARD', null, null, `${theirs},${shown}`],
    ['SANITIZE_SET', null, null, shown],
    ['ALWAYS_FORWARD_ONLY', theirs, theirs, theirs],
  ];

  test.each(rows)('%s', async (mode, off, none, known) => {
    const config = mode === '' ? '' : moduleOf(`forward_client_cert_details: ${mode}`);
    await plane.configure(manifest + config);
    const said = async (servername: string, certificate: TestCertificate | null) =>
      (await told(servername, { certificate, says: theirs, protocol })) ?? null;
    expect(await said('off.example.org', friend)).toBe(off);
    expect(await said('asks.example.org', null)).toBe(none);
    expect(await said('asks.example.org', friend)).toBe(known);
    expect(await said('demands.example.org', friend)).toBe(known);
  });

  test('a client that says nothing is told of all the same', async () => {
    await plane.configure(manifest + moduleOf('forward_client_cert_details: APPEND_FORWARD'));
    expect(await told('demands.example.org', { protocol })).toBe(shown);
  });
});

test('set_current_client_cert_details says what of it', async () => {
  const config = (details: string) =>
    moduleOf(`forward_client_cert_details: SANITIZE_SET, set_current_client_cert_details: {${details}}`);
  await plane.configure(manifest + config('subject: true, dns: true, uri: true'));
  expect(await told('demands.example.org')).toBe(
    `${shown};Subject="CN=J\\C3\\BCrgen \\"X\\"\\, Inc.";` +
      'URI="spiffe://mesh/ns;a=\\"b\\"";DNS=client.test;DNS=two.client.test',
  );
  await plane.configure(manifest + config('cert: true, chain: true'));
  const all = (await told('demands.example.org'))!;
  const [, cert, chain] = /;Cert="([^"]+)";Chain="([^"]+)"$/.exec(all)!.map(decodeURIComponent);
  const text = (pem: string): string => pem.replace(/\s/g, '');
  expect(text(cert!)).toBe(text(friend.certificate));
  expect(text(chain!).startsWith(text(friend.certificate + between.certificate))).toBe(true);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a client that would resume is asked again, so that its identity is whole (%s)',
  async (version) => {
    await plane.configure(
      manifest +
        moduleOf('forward_client_cert_details: SANITIZE_SET, set_current_client_cert_details: {chain: true}'),
    );
    const only = { minVersion: version, maxVersion: version, ...shows(friend) };
    for (const servername of ['asks.example.org', 'demands.example.org']) {
      const first = await clients.secured(servername, only);
      const tickets: Buffer[] = [];
      first.on('session', (ticket) => tickets.push(ticket));
      const whole = await told(servername, { socketOf: async () => first });
      const session = tickets.at(-1) ?? first.getSession();
      const again = await clients.secured(servername, {
        ...only,
        ...(session === undefined ? {} : { session }),
      });
      expect(again.isSessionReused()).toBe(false);
      expect(await told(servername, { socketOf: async () => again })).toBe(whole);
      expect(decodeURIComponent(whole!).match(/BEGIN/g)!.length).toBeGreaterThan(1);
    }
  },
);
