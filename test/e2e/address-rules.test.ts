import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { writeProxyV2 } from '../../src/protocol/proxy-protocol/v2.ts';
import type { AccessEntry } from '../../src/proxy/data-plane.ts';
import { makeCertificate } from '../support/certificates.ts';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { type FourWays, moduleOf, startFourWays, type Way, ways } from '../support/four-ways.ts';
import { type Http1Recorder, startHttp1Recorder } from '../support/http1-recorder.ts';
import { pair } from '../support/tls-manifests.ts';

let four: FourWays;
const access: AccessEntry[] = [];

beforeAll(async () => {
  four = await startFourWays('', { onAccess: (line) => access.push(line) });
});

afterAll(() => four?.close());

const rules = (text: string, more = ''): Promise<void> => four.configure(moduleOf(`${text}${more}`));
const behindProxy = ', xff_num_trusted_hops: 1';
const said = { 'x-forwarded-for': '203.0.113.7' };

describe.each(ways)('a client of %s and an upstream of %s', (...way) => {
  const ask = (headers: Record<string, string> = said) => four.ask(way as Way, headers);
  const statusOf = async (headers?: Record<string, string>) => (await ask(headers)).status;

  it('peer is the other end of the connection, which may go on when the rules go', async () => {
    await rules('ip_allow: [{peer: 127.0.0.0/8}]');
    expect(await statusOf()).toBe(200);
    await rules('ip_allow: [{peer: 192.0.2.0/24}]');
    const { status, headers, body, got } = await ask();
    expect([status, headers['x-serin-reason'], got]).toEqual([403, 'blocked', null]);
    expect(body.toString()).toBe('calls from this address are not allowed\n');
    expect(access.at(-1)).toMatchObject({ status: 403, grpcStatus: -1, reason: 'blocked', route: '' });
    await rules('ip_deny: [{peer: 127.0.0.1}]');
    expect(await statusOf()).toBe(403);
    await rules('ip_deny: [{peer: 127.0.0.2}]');
    expect(await statusOf()).toBe(200);
    await four.configure('');
    expect(await statusOf()).toBe(200);
  });

  it('remote is the client that a believed proxy has seen, for each call of a connection', async () => {
    await rules('ip_allow: [{remote: 203.0.113.0/24}]', behindProxy);
    expect(await statusOf()).toBe(200);
    expect(await statusOf({ 'x-forwarded-for': '198.51.100.1' })).toBe(403);
    expect(access.at(-1)).toMatchObject({ client: '198.51.100.1', reason: 'blocked' });
    expect(await statusOf()).toBe(200);
    expect(await statusOf({})).toBe(403);
    expect(await statusOf({ 'x-forwarded-for': '203.0.113.7, 198.51.100.1' })).toBe(403);
    await rules('ip_deny: [{remote: "2001:db8::/32"}]', behindProxy);
    expect(await statusOf({ 'x-forwarded-for': '2001:db8::1' })).toBe(403);
    expect(await statusOf()).toBe(200);
  });

  it('what nobody is believed to have said opens nothing', async () => {
    await rules('ip_allow: [{remote: 203.0.113.0/24}]');
    expect(await statusOf()).toBe(403);
    await rules('ip_deny: [{remote: 127.0.0.1}]');
    expect(await statusOf()).toBe(403);
  });

  it('goes before routes, probes and bad paths', async () => {
    await rules('ip_deny: [{peer: 127.0.0.1}]');
    for (const path of ['../nowhere', '../ambassador/v0/check_ready', '\\'])
      expect((await four.ask(way as Way, {}, path)).status).toBe(403);
    expect((await four.ask(way as Way, { expect: '100-continue' }, '', 'POST')).status).toBe(403);
  });
});

test('gRPC calls get status 7', async () => {
  await rules('ip_deny: [{peer: 127.0.0.1}]');
  const { status, headers } = await four.ask(
    ['h2', 'h2'],
    { 'content-type': 'application/grpc', te: 'trailers' },
    'a/b',
    'POST',
  );
  expect([status, headers['grpc-status'], headers['x-serin-reason']]).toEqual([200, '7', 'blocked']);
  expect(access.at(-1)).toMatchObject({ grpcStatus: 7, reason: 'blocked' });
});

test('gRPC-Web and upgrades are refused, too', async () => {
  await rules('ip_deny: [{peer: 127.0.0.1}]', ', enable_grpc_web: true');
  const web = await four.ask(['h1', 'h2'], { 'content-type': 'application/grpc-web+proto' }, 'a/b', 'POST');
  expect(web.status).toBe(403);
  const upgrade = await four.ask(['h1', 'h1'], { connection: 'upgrade', upgrade: 'websocket' });
  expect([upgrade.status, upgrade.headers.upgrade]).toEqual([403, undefined]);
});

describe('behind a PROXY header', () => {
  const certificate = makeCertificate({ subject: 'all', names: ['all.example.org'] });
  const manifest = `---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: in}
spec: {port: 8443, protocol: HTTPSPROXY, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /, service: "web:80"}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: all}
spec: {hostname: "*", tlsSecret: {name: all}, requestPolicy: {insecure: {action: Route}}}
${pair('all', certificate)}`;
  const header = writeProxyV2({
    family: 4,
    source: '203.0.113.7',
    sourcePort: 4711,
    destination: '192.0.2.1',
    destinationPort: 443,
  });
  let plane: TestPlane;
  let recorder: Http1Recorder;

  beforeAll(async () => {
    recorder = await startHttp1Recorder();
    plane = await startPlane(manifest, { 'web:80': [recorder.port] }, { on: 8443 });
  });

  afterAll(async () => {
    await plane?.close();
    recorder?.close();
  });

  async function status(version: 1 | 2, secured: boolean): Promise<number> {
    const socket = net.connect(plane.port, '127.0.0.1');
    socket.write(header);
    const ALPNProtocols = version === 2 ? ['h2'] : ['http/1.1'];
    const options = { socket, ca: certificate.certificate, servername: 'all.example.org', ALPNProtocols };
    const over = secured ? tls.connect(options) : socket;
    if (version === 1) {
      const sent = http.request({ createConnection: () => over, path: '/' }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      socket.destroy();
      return answer.statusCode!;
    }
    if (secured) await once(over, 'secureConnect');
    const session = http2.connect('http://all.example.org', { createConnection: () => over });
    const stream = session.request({ ':path': '/', ':scheme': secured ? 'https' : 'http' });
    const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    session.destroy();
    return Number(head[':status']);
  }

  describe.each([
    ['cleartext', false],
    ['TLS', true],
  ])('over %s', (_, secured) => {
    it.each([1, 2] as const)(
      'HTTP/%s: remote is whom the header names, peer the proxy itself',
      async (version) => {
        const set = (text: string): Promise<void> => plane.configure(manifest + moduleOf(text));
        await set('ip_allow: [{remote: 203.0.113.7}]');
        expect(await status(version, secured)).toBe(200);
        await set('ip_allow: [{peer: 203.0.113.7}]');
        expect(await status(version, secured)).toBe(403);
        await set('ip_allow: [{peer: 127.0.0.1}]');
        expect(await status(version, secured)).toBe(200);
        await set('ip_deny: [{remote: 127.0.0.1}]');
        expect(await status(version, secured)).toBe(200);
        await set('ip_deny: [{remote: 203.0.113.0/24}]');
        expect(await status(version, secured)).toBe(403);
      },
    );
  });
});
