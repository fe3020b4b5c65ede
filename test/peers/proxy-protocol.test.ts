import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { freePort } from '../../src/cli/demo/free-port.ts';
import { writeProxyV2 } from '../../src/protocol/proxy-protocol/v2.ts';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { type Peer, peerTest } from '../support/peer.ts';
import { until } from '../support/serin.ts';

const haproxy: Peer = { name: 'haproxy', probe: ['haproxy', '-v'], install: 'apt-get install haproxy' };
const nginx: Peer = { name: 'nginx', probe: ['nginx', '-v'], install: 'apt-get install nginx-light' };

let folder = '';
let plane: TestPlane | null = null;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serin-proxy-'));
});

afterEach(async () => {
  await plane?.close();
  plane = null;
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

/** Starts a program whose configuration is this, and waits until it listens. */
async function run(
  configuration: string,
  port: number,
  command: (file: string) => readonly [string, ...string[]],
): Promise<void> {
  const file = join(folder, 'peer.conf');
  writeFileSync(file, configuration);
  const [program, ...args] = command(file);
  children.push(spawn(program, args, { stdio: 'ignore' }));
  await until(async () => {
    const socket = net.connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    return open;
  }, 10_000);
}

const runHaproxy = (text: string, port: number): Promise<void> =>
  run(
    `defaults
  timeout connect 5s
  timeout client 5s
  timeout server 5s
${text}`,
    port,
    (file) => ['haproxy', '-db', '-f', file],
  );

/** Asks over a connection from this address, perhaps behind a PROXY header. */
async function ask(
  port: number,
  { from = '127.0.0.1', header }: { from?: string; header?: Buffer } = {},
): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: from });
  if (header !== undefined) socket.write(header);
  const request = http.request({ createConnection: () => socket, path: '/' }).end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  let body = '';
  for await (const data of answer) body += data;
  socket.destroy();
  return body;
}

const listener = (stack: string): string => `---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: in}
spec: {port: 8443, protocolStack: [${stack}], securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
`;
const header = writeProxyV2({
  family: 4,
  source: '203.0.113.7',
  sourcePort: 4711,
  destination: '192.0.2.1',
  destinationPort: 443,
});

describe.each(['v1', 'v2'])('PROXY %s', (version) => {
  peerTest(haproxy, `from haproxy (${version})`, async () => {
    const echo = http.createServer((request, response) => response.end(request.headers['x-forwarded-for']));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const manifest = `${listener('PROXY, HTTP, TCP')}---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: echo}
spec: {prefix: /, service: "echo:80"}
`;
    plane = await startPlane(manifest, { 'echo:80': [(echo.address() as AddressInfo).port] }, { on: 8443 });
    const port = await freePort(0);
    const send = version === 'v1' ? 'send-proxy' : 'send-proxy-v2-ssl-cn';
    await runHaproxy(
      `listen all
  mode tcp
  bind 127.0.0.1:${port}
  server serin 127.0.0.1:${plane.port} ${send}
`,
      port,
    );
    expect(await ask(port, { from: '127.0.0.9' })).toBe('127.0.0.9');
    expect(plane.counter(version === 'v1' ? 'PROXY_V1' : 'PROXY_V2')).toBeGreaterThan(0);
    echo.close();
  });

  const tcp = `${listener('PROXY, TCP')}---
apiVersion: getambassador.io/v3alpha1
kind: TCPMapping
metadata: {name: peer}
spec: {port: 8443, service: "peer:1", upstream_proxy_protocol: ${version}}
`;

  peerTest(haproxy, `to haproxy (${version})`, async () => {
    const port = await freePort(0);
    await runHaproxy(
      `frontend all
  mode http
  bind 127.0.0.1:${port} accept-proxy
  http-request return content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"
`,
      port,
    );
    plane = await startPlane(tcp, { 'peer:1': [port] }, { on: 8443 });
    expect(await ask(plane.port, { header })).toBe('203.0.113.7 4711 192.0.2.1 443');
  });

  peerTest(nginx, `to nginx (${version})`, async () => {
    const port = await freePort(0);
    const configuration = `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/bodies;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} proxy_protocol;
    location / { return 200 "$proxy_protocol_addr $proxy_protocol_port"; }
  }
}
`;
    await run(configuration, port, (file) => ['nginx', '-c', file, '-e', `${folder}/error.log`]);
    plane = await startPlane(tcp, { 'peer:1': [port] }, { on: 8443 });
    expect(await ask(plane.port, { header })).toBe('203.0.113.7 4711');
  });
});
