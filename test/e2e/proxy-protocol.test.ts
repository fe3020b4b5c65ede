import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/cli/demo/free-port.ts';
import { proxyFailureIndex } from '../../src/metrics/catalog.ts';
import type { ProxyEndpoints } from '../../src/protocol/proxy-protocol/header.ts';
import { readProxyHeader } from '../../src/protocol/proxy-protocol/read.ts';
import { writeProxyV1 } from '../../src/protocol/proxy-protocol/v1.ts';
import { writeProxyV2 } from '../../src/protocol/proxy-protocol/v2.ts';
import type { Limits } from '../../src/proxy/limits.ts';
import { makeCertificate } from '../support/certificates.ts';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { moduleOf } from '../support/four-ways.ts';
import { until } from '../support/serin.ts';
import { pair } from '../support/tls-manifests.ts';

const ends: ProxyEndpoints = {
  family: 4,
  source: '203.0.113.7',
  sourcePort: 4711,
  destination: '192.0.2.1',
  destinationPort: 443,
};
const ends6: ProxyEndpoints = { ...ends, family: 6, source: '2001:db8::7', destination: '2001:db8::1' };
const certificate = makeCertificate({ subject: 'all', names: ['all.example.org'] });
const manifest = (protocol: string): string => `---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: in}
spec: {port: 8443, protocol: ${protocol}, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: echo}
spec: {prefix: /, service: "echo:80"}
`;
const host = `---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: all}
spec: {hostname: "*", tlsSecret: {name: all}, requestPolicy: {insecure: {action: Route}}}
`;

/** Answers with what it was told of the client. */
const echo = http.createServer((request, response) => {
  const { 'x-forwarded-for': client, 'x-forwarded-proto': scheme } = request.headers;
  response.end(`${client} ${scheme}`);
});
let plane: TestPlane;

beforeAll(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
});
afterAll(() => echo.close());
afterEach(() => plane.close());

async function start(protocol: string, more = '', limits: Partial<Limits> = {}): Promise<void> {
  const resolve = { 'echo:80': [(echo.address() as AddressInfo).port] };
  plane = await startPlane(manifest(protocol) + more, resolve, { limits, on: 8443 });
}

/** Sends pieces one after another on one connection, and returns what came back until it was closed. */
async function talk(...pieces: (Buffer | string)[]): Promise<string> {
  const socket = net.connect(plane.port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  let got = '';
  socket.on('data', (data) => {
    got += data;
  });
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await closed;
  return got;
}

const request = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
const failures = (reason: keyof typeof proxyFailureIndex): number =>
  plane.metrics.gateway[proxyFailureIndex[reason]]!;

describe('a port that demands PROXY headers', () => {
  test.each([
    ['version 1', writeProxyV1(ends), '203.0.113.7'],
    ['version 2', writeProxyV2(ends), '203.0.113.7'],
    ['version 1 with IPv6', writeProxyV1(ends6), '2001:db8::7'],
    ['version 2 with IPv6', writeProxyV2(ends6), '2001:db8::7'],
    ['LOCAL', writeProxyV2(null), '127.0.0.1'],
    ['UNKNOWN', writeProxyV1(null), '127.0.0.1'],
    ['TLVs', withTlv(writeProxyV2(ends)), '203.0.113.7'],
  ])('takes the client from %s', async (_, header, address) => {
    await start('HTTPPROXY');
    expect(await talk(Buffer.concat([header, Buffer.from(request)]))).toContain(`\r\n${address} http`);
    expect(plane.counter('PROXY_V1') + plane.counter('PROXY_V2')).toBe(1);
  });

  test('may be one of no Listener, by use_proxy_proto of the Module', async () => {
    const resolve = { 'echo:80': [(echo.address() as AddressInfo).port] };
    const mapping = manifest('HTTP').slice(manifest('HTTP').lastIndexOf('---'));
    plane = await startPlane(mapping + moduleOf('use_proxy_proto: true'), resolve);
    const header = writeProxyV1(ends);
    expect(await talk(Buffer.concat([header, Buffer.from(request)]))).toContain('\r\n203.0.113.7 http');
    expect(await talk(request)).toBe('');
    expect(failures('missing')).toBe(1);
  });

  test('takes the header in pieces of one byte', async () => {
    await start('HTTPPROXY');
    const pieces = [...writeProxyV1(ends)].map((byte) => Buffer.of(byte));
    expect(await talk(...pieces, request)).toContain('\r\n203.0.113.7 http');
  });

  test('takes HTTP/2 behind the header', async () => {
    await start('HTTPPROXY');
    const socket = net.connect(plane.port, '127.0.0.1');
    socket.write(writeProxyV2(ends));
    const http2 = await import('node:http2');
    const session = http2.connect('http://a', { createConnection: () => socket });
    const stream = session.request({ ':path': '/' });
    let body = '';
    for await (const data of stream) body += data;
    expect(body).toBe('203.0.113.7 http');
    session.close();
  });

  test.each([
    ['TLS', true],
    ['cleartext', false],
  ])('has the header before %s on a port with TLS', async (_, secured) => {
    await start('HTTPSPROXY', host + pair('all', certificate));
    const socket = net.connect(plane.port, '127.0.0.1');
    socket.write(writeProxyV2(ends));
    const over = secured
      ? tls.connect({ socket, ca: certificate.certificate, servername: 'all.example.org' })
      : socket;
    const sent = http.request({ createConnection: () => over, path: '/' }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    let body = '';
    for await (const data of answer) body += data;
    expect(body).toBe(`203.0.113.7 ${secured ? 'https' : 'http'}`);
    socket.destroy();
  });

  test.each([
    ['nothing of the kind', request, 'missing'],
    ['a broken line', 'PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n', 'malformed'],
    ['a version that is not known', withCommand(writeProxyV2(ends), 0x31), 'malformed'],
    ['a TLV that is cut off', withTlv(writeProxyV2(ends), 9), 'malformed'],
  ] as const)('closes a connection that begins with %s', async (_, bytes, reason) => {
    await start('HTTPPROXY');
    const other = talk(Buffer.concat([writeProxyV2(ends), Buffer.from(request)]));
    expect(await talk(bytes)).toBe('');
    expect(failures(reason)).toBe(1);
    expect(await other).toContain('203.0.113.7');
  });

  test('closes a connection whose header is not there in time', async () => {
    await start('HTTPPROXY', '', { preface_timeout: 100 });
    expect(await talk('PROXY TCP4 ')).toBe('');
    expect(await talk()).toBe('');
    expect([failures('timeout'), plane.hits('preface_timeout')]).toEqual([2, 2]);
  });

  test('counts who leaves inside the header, and not who says nothing', async () => {
    await start('HTTPPROXY');
    net.connect(plane.port, '127.0.0.1').end('PROXY');
    net.connect(plane.port, '127.0.0.1').end();
    await until(() => failures('closed') === 1 && plane.plane.connections === 0, 2000);
  });
});

test('on other ports a PROXY header is the garbage that it is', async () => {
  await start('HTTP');
  expect(await talk(writeProxyV1(ends), request)).toContain('no HTTP/2 preface');
  expect(await talk(writeProxyV2(ends), request)).not.toContain('203.0.113.7');
  expect(plane.counter('PROTOCOL_ERRORS_DOWNSTREAM')).toBeGreaterThan(0);
});

describe('a TCPMapping with upstream_proxy_protocol', () => {
  const tcp = (more: string): string => `---
apiVersion: getambassador.io/v3alpha1
kind: TCPMapping
metadata: {name: peer}
spec: {port: 8443, ${more}}
`;
  const demanding = `---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: in}
spec: {port: 8443, protocolStack: [PROXY, TCP], securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
`;
  let peer: net.Server;
  let got: Buffer[] = [];
  afterEach(() => peer.close());

  /** A peer that reads a header, and then speaks TLS or sends back what it gets. */
  async function startPeer(secured = false): Promise<number> {
    got = [];
    const { certificate: cert, privateKey: key } = certificate;
    peer = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('readable', () => {
        const bytes = socket.read() as Buffer;
        const header = readProxyHeader(bytes, 0, bytes.length);
        const end = header.state === 'ok' ? header.end : 0;
        got.push(bytes.subarray(0, end));
        socket.unshift(bytes.subarray(end));
        const over = secured
          ? new tls.TLSSocket(socket, {
              isServer: true,
              secureContext: tls.createSecureContext({ cert, key }),
            })
          : socket;
        over.on('error', () => {});
        over.pipe(over);
      });
    });
    peer.listen(0, '127.0.0.1');
    await once(peer, 'listening');
    return (peer.address() as AddressInfo).port;
  }

  /** Says something and gives back what it is answered. */
  async function say(...pieces: (Buffer | string)[]): Promise<{ answer: string; port: number }> {
    const socket = net.connect(plane.port, '127.0.0.1');
    for (const piece of pieces) socket.write(piece);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const port = socket.localPort!;
    socket.destroy();
    return { answer: String(answer), port };
  }

  test.each(['v1', 'v2'])("sends the connection's own ends in %s", async (version) => {
    const port = await startPeer();
    plane = await startPlane(
      tcp(`service: "peer:1", upstream_proxy_protocol: ${version}`),
      { 'peer:1': [port] },
      { on: 8443 },
    );
    const { answer, port: from } = await say('hello');
    expect(answer).toBe('hello');
    const own = { family: 4, source: '127.0.0.1', destination: '127.0.0.1' } as const;
    const endpoints = { ...own, sourcePort: from, destinationPort: plane.port };
    expect(got).toEqual([version === 'v1' ? writeProxyV1(endpoints) : writeProxyV2(endpoints)]);
  });

  test('passes on what a PROXY header has said, in cleartext before TLS to the upstream', async () => {
    const port = await startPeer(true);
    plane = await startPlane(
      demanding + tcp('service: "https://peer:1", upstream_proxy_protocol: v2'),
      { 'peer:1': [port] },
      { on: 8443 },
    );
    expect((await say(writeProxyV1(ends6), 'secret')).answer).toBe('secret');
    expect(got).toEqual([writeProxyV2(ends6)]);
  });

  test('goes to another endpoint where one refuses the connection, before TLS, too', async () => {
    const port = await startPeer(true);
    const dead = await freePort(0);
    plane = await startPlane(
      tcp('service: "https://peer:1", upstream_proxy_protocol: v2'),
      { 'peer:1': [dead, port] },
      { on: 8443 },
    );
    for (let i = 0; i < 4; i++) expect((await say('secret')).answer).toBe('secret');
    expect(plane.counter('UPSTREAM_FAILED')).toBe(1);
    expect(got.length).toBe(4);
  });

  test('passes TLS through behind a header, to the server of its name', async () => {
    const port = await startPeer(true);
    plane = await startPlane(
      demanding + tcp('host: all.example.org, service: "peer:1", upstream_proxy_protocol: v1'),
      { 'peer:1': [port] },
      { on: 8443 },
    );
    const socket = net.connect(plane.port, '127.0.0.1');
    socket.write(writeProxyV2(ends));
    const secured = tls.connect({ socket, ca: certificate.certificate, servername: 'all.example.org' });
    secured.write('hello');
    const [answer] = (await once(secured, 'data')) as [Buffer];
    secured.destroy();
    expect(String(answer)).toBe('hello');
    expect(got).toEqual([writeProxyV1(ends)]);
  });

  test('sends none where it is not asked for', async () => {
    const port = await startPeer();
    plane = await startPlane(demanding + tcp('service: "peer:1"'), { 'peer:1': [port] }, { on: 8443 });
    expect((await say(Buffer.concat([writeProxyV2(ends), Buffer.from('hello')]))).answer).toBe('hello');
    expect(got).toEqual([Buffer.alloc(0)]);
  });
});

/** A header with a TLV of two bytes behind it. @param says the length that the TLV claims. */
function withTlv(header: Buffer, says = 2): Buffer {
  const longer = Buffer.concat([header, Buffer.of(4, 0, says, 0, 0)]);
  longer.writeUInt16BE(longer.readUInt16BE(14) + 5, 14);
  return longer;
}

function withCommand(header: Buffer, command: number): Buffer {
  const other = Buffer.from(header);
  other[12] = command;
  return other;
}
