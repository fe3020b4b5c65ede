import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { CallCount } from '../../src/metrics/catalog.ts';
import { MergedMetrics, type SeriesTotal } from '../../src/metrics/merged-metrics.ts';
import { outcomeLabels } from '../../src/metrics/outcomes.ts';
import { makeCertificate } from '../support/certificates.ts';
import { type PlaneOptions, startPlane, type TestPlane } from '../support/data-plane.ts';
import { until } from '../support/serin.ts';
import { startTcpPeer, TcpClient, type TcpPeer } from '../support/tcp-peers.ts';
import { pair } from '../support/tls-manifests.ts';

/** A TCPMapping on port 5432. */
const mapping = (name: string, more = '', port = 5432): string => `---
apiVersion: getambassador.io/v3alpha1
kind: TCPMapping
metadata: {name: ${name}}
spec: {port: ${port}, service: "${name}:1"${more === '' ? '' : `, ${more}`}}
`;

let plane: TestPlane;
const peers: TcpPeer[] = [];
const clients: TcpClient[] = [];

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await plane.close();
  for (const peer of peers.splice(0)) await peer.close();
});

async function peer(name: string, serve?: (socket: Socket) => void): Promise<TcpPeer> {
  const made = await startTcpPeer(name, serve);
  peers.push(made);
  return made;
}

async function start(
  manifest: string,
  services: Readonly<Record<string, readonly (TcpPeer | number)[]>>,
  options: PlaneOptions = {},
): Promise<void> {
  const resolve = Object.entries(services).map(([name, list]) => [
    `${name}:1`,
    list.map((one) => (typeof one === 'number' ? one : one.port)),
  ]);
  plane = await startPlane(manifest, Object.fromEntries(resolve), { on: 5432, ...options });
}

function connect(options: { keep?: boolean } = {}): TcpClient {
  const client = new TcpClient(plane.port, options);
  clients.push(client);
  return client;
}

/** What was counted of connections: service and reason → how many have ended; `-` = those that have not. */
function ends(): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { labels, outcomes, started, ended } of totals()) {
    for (const [key, count] of outcomes) {
      const name = `${labels.service} ${outcomeLabels(key).reason}`;
      found[name] = (found[name] ?? 0) + count;
    }
    if (started > ended) found[`${labels.service} -`] = started - ended;
  }
  return found;
}

function totals(): SeriesTotal[] {
  const merged = new MergedMetrics(1000);
  const report = plane.metrics.report(true);
  if (report !== null) merged.apply(1, report);
  return merged.totals().filter(({ labels }) => labels.transport === 'tcp');
}

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

describe('a share of the connections', () => {
  test('is exact over 100 connections, and counted for each version', async () => {
    const [stable, canary] = [await peer('stable'), await peer('canary')];
    await start(mapping('stable') + mapping('canary', 'weight: 20'), { stable: [stable], canary: [canary] });
    const names: Record<string, number> = {};
    for (let i = 0; i < 100; i++) {
      const client = connect();
      const name = await client.line();
      names[name] = (names[name] ?? 0) + 1;
      client.socket.end();
      await client.until(({ closed }) => closed);
    }
    expect(names).toEqual({ stable: 80, canary: 20 });
    await until(() => plane.plane.connections === 0, 2000);
    expect(ends()).toEqual({ 'stable.default:1 ': 80, 'canary.default:1 ': 20 });
    const total = totals().find(({ labels }) => labels.role === 'canary')!;
    expect([total.labels.route, total.counts[CallCount.BYTES_OUT]]).toEqual(['stable.default', 20 * 7]);
    expect([total.duration.count, total.firstByte.count]).toEqual([20, 20]);
  });

  test('goes to stable while the canary has no endpoint, and all of it when the canary is deleted', async () => {
    const [stable, canary] = [await peer('stable'), await peer('canary')];
    const both = mapping('stable') + mapping('canary', 'weight: 50');
    await start(both, { stable: [stable], canary: [canary] });
    const lines = async (n: number): Promise<Set<string>> =>
      new Set(await Promise.all(Array.from({ length: n }, () => connect().line())));
    expect(await lines(10)).toEqual(new Set(['stable', 'canary']));
    const running = clients.slice();
    await plane.configure(mapping('stable'));
    expect(await lines(10)).toEqual(new Set(['stable']));
    // What runs goes on where it is.
    for (const client of running) client.socket.write('more');
    await Promise.all(running.map((client) => client.until(({ text }) => text.endsWith('more'))));
    expect(ends()).toEqual({ 'stable.default:1 -': 15, 'canary.default:1 -': 5 });
  });
});

describe('ends', () => {
  test("the client's end goes through while the upstream still speaks", async () => {
    const upstream = await peer('late', (socket) => {
      socket.resume();
      socket.on('end', () => setTimeout(() => socket.end('after the end'), 50));
    });
    const lines: unknown[] = [];
    await start(mapping('late'), { late: [upstream] }, { onTcpAccess: (entry) => lines.push(entry) });
    const client = connect();
    client.socket.end('question');
    await client.until(({ closed }) => closed);
    expect(client.text).toBe('after the end');
    await until(() => ends()['late.default:1 '] === 1, 2000);
    const line = {
      client: '127.0.0.1',
      port: 5432,
      route: 'late.default',
      service: 'late.default:1',
      version: 'late',
    };
    const durationMs = expect.any(Number);
    expect(lines).toEqual([{ ...line, reason: 'none', problem: '', received: 8, sent: 13, durationMs }]);
  });

  test("the upstream's end goes through while the client still speaks", async () => {
    let got = '';
    const upstream = await peer('first', (socket) => {
      socket.end('bye');
      socket.on('data', (data) => {
        got += data;
      });
    });
    await start(mapping('first'), { first: [upstream] });
    const client = connect();
    await client.until(({ ended }) => ended);
    expect(client.text).toBe('bye');
    for (const piece of ['a', 'b', 'c']) {
      client.socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    client.socket.end();
    await client.until(({ closed }) => closed);
    await until(() => got === 'abc' && ends()['first.default:1 '] === 1, 2000);
  });

  test('a reset of either side is a reset for the other', async () => {
    const upstream = await peer('echo');
    await start(mapping('echo'), { echo: [upstream] });
    const client = connect();
    await client.line();
    let code = '';
    upstream.sockets[0]!.once('error', (error: NodeJS.ErrnoException) => {
      code = error.code!;
    });
    client.socket.resetAndDestroy();
    await until(() => code === 'ECONNRESET', 2000);
    const other = connect();
    await other.line();
    upstream.sockets[1]!.resetAndDestroy();
    await other.until(({ closed }) => closed);
    expect(other.error).toBe('ECONNRESET');
    expect(ends()).toEqual({ 'echo.default:1 cancelled': 1, 'echo.default:1 upstream_reset': 1 });
  });

  test('a connection without a byte for idle_timeout_ms is closed, one with bytes goes on', async () => {
    const upstream = await peer('echo');
    await start(mapping('echo', 'idle_timeout_ms: "300"'), { echo: [upstream] });
    const [silent, busy] = [connect(), connect()];
    const timer = setInterval(() => busy.socket.write('.'), 50);
    await silent.until(({ ended }) => ended);
    silent.socket.end();
    await new Promise((resolve) => setTimeout(resolve, 1200));
    clearInterval(timer);
    expect(busy.ended).toBe(false);
    expect(ends()).toEqual({ 'echo.default:1 idle': 1, 'echo.default:1 -': 1 });
  });
});

describe('bytes', () => {
  test('100 MB reach a slow reader whole, with one buffer in between; others are as quick as ever', async () => {
    const total = 100_000_000;
    const chunk = Buffer.alloc(1_000_000, 'x');
    let sent = 0;
    const upstream = await peer('large', (socket) => {
      const more = (): void => {
        while (sent < total) {
          sent += chunk.length;
          if (!socket.write(chunk)) return void socket.once('drain', more);
        }
        socket.end();
      };
      more();
    });
    const echo = await peer('echo');
    const both = mapping('large') + mapping('echo', '', 5433);
    await start(both, { large: [upstream], echo: [echo] });
    const client = connect({ keep: false });
    await client.until(({ bytes }) => bytes > 0);
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = process.memoryUsage().arrayBuffers;
    const stopped = sent;
    await new Promise((resolve) => setTimeout(resolve, 500));
    // The kernels' buffers are full, and nothing more is taken.
    expect(sent).toBe(stopped);
    expect(stopped).toBeLessThan(30_000_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
    client.socket.resume();
    await client.until(({ closed, ended }) => closed || ended, 30_000);
    client.socket.end();
    expect(client.bytes).toBe(total);
    await until(() => ends()['large.default:1 '] === 1, 2000);
    expect(
      totals().find(({ labels }) => labels.service === 'large.default:1')!.counts[CallCount.BYTES_OUT],
    ).toBe(total);
  });

  test('both sides get all of the other, whatever is written in whatever pieces and whoever ends first', async () => {
    const conversations = 60;
    const random = (n: number): number => Math.floor(Math.random() * n);
    const speak = async (socket: Socket, pieces: readonly Buffer[]): Promise<void> => {
      for (const piece of pieces) {
        socket.write(piece);
        if (random(4) === 0) await new Promise((resolve) => setTimeout(resolve, random(5)));
        if (random(8) === 0) {
          socket.pause();
          setTimeout(() => socket.resume(), random(10));
        }
      }
      socket.end();
    };
    const piecesOf = (): Buffer[] =>
      Array.from({ length: random(20) }, () => randomBytes(1 + random(100_000)));
    const hashed = (pieces: readonly Buffer[]): string =>
      createHash('sha1').update(Buffer.concat(pieces)).digest('hex');
    const listen = (socket: Socket): Promise<string> => {
      const pieces: Buffer[] = [];
      socket.on('data', (data: Buffer) => pieces.push(data));
      return new Promise((resolve) => socket.once('end', () => resolve(hashed(pieces))));
    };
    const said: string[] = [];
    const heard: Promise<string>[] = [];
    const upstream = await peer('talk', (socket) => {
      const pieces = piecesOf();
      said.push(hashed(pieces));
      heard.push(listen(socket));
      void speak(socket, pieces);
    });
    await start(mapping('talk'), { talk: [upstream] });
    const theirs: string[] = [];
    const answers = await Promise.all(
      Array.from({ length: conversations }, async () => {
        const client = connect({ keep: false });
        const pieces = piecesOf();
        theirs.push(hashed(pieces));
        const answer = listen(client.socket);
        await speak(client.socket, pieces);
        return answer;
      }),
    );
    expect(answers.sort()).toEqual(said.sort());
    expect((await Promise.all(heard)).sort()).toEqual(theirs.sort());
    await until(() => plane.plane.connections === 0, 5000);
    expect(ends()).toEqual({ 'talk.default:1 ': conversations });
  });

  test('20 MB go both ways at once and come back as they were', async () => {
    const upstream = await peer('echo', (socket) => socket.pipe(socket));
    await start(mapping('echo'), { echo: [upstream] });
    const client = new TcpClient(plane.port);
    clients.push(client);
    const data = Buffer.allocUnsafe(20_000_000);
    for (let i = 0; i < data.length; i++) data[i] = i * 7 + (i >> 8);
    client.socket.end(data);
    await client.until(({ closed }) => closed, 9_000);
    expect(Buffer.from(client.text, 'latin1').equals(data)).toBe(true);
  });
});

describe('endpoints', () => {
  test('up to three are tried, a dead one rests, and nothing is lost', async () => {
    const upstream = await peer('alive');
    await start(mapping('db'), { db: [await deadPort(), upstream, await deadPort()] });
    for (let i = 0; i < 20; i++) expect(await connect().line()).toBe('alive');
    expect(plane.counter('UPSTREAM_FAILED')).toBeLessThanOrEqual(2);
    expect(totals()[0]!.counts[CallCount.RETRIES]).toBe(plane.counter('UPSTREAM_FAILED'));
    expect(ends()).toEqual({ 'db.default:1 -': 20 });
  });

  test('without one the connection is closed, and counted with its reason', async () => {
    const lines: string[] = [];
    const onTcpAccess: PlaneOptions['onTcpAccess'] = (entry) =>
      lines.push(`${entry.reason} ${entry.problem}`);
    const dead = await deadPort();
    await start(mapping('db'), { db: [dead] }, { onTcpAccess });
    await connect().until(({ ended }) => ended);
    await plane.configure(
      `${mapping('db')}---
apiVersion: v1
kind: Service
metadata: {name: none}
spec: {ports: [{port: 1}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: none, labels: {kubernetes.io/service-name: none}}
ports: [{port: 1}]
endpoints: []
`.replace('db:1', 'none:1'),
    );
    await connect().until(({ ended }) => ended);
    expect(ends()).toEqual({ 'db.default:1 connect_failed': 1, 'none.default:1 no_endpoint': 1 });
    expect(lines).toEqual([`connect_failed 127.0.0.1:${dead} refused the connection`, 'no_endpoint ']);
  });

  test('a canary without one passes its share to stable, which is counted', async () => {
    const stable = await peer('stable');
    const none = `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: canary, labels: {kubernetes.io/service-name: canary}}
ports: [{port: 1}]
endpoints: [{addresses: [127.0.0.1], conditions: {ready: READY}}]
`;
    const both = mapping('stable') + mapping('canary', 'weight: 50');
    await start(both + none.replace('READY', 'true'), { stable: [stable] });
    await plane.configure(both + none.replace('READY', 'false'));
    for (let i = 0; i < 10; i++) expect(await connect().line()).toBe('stable');
    expect(totals()[0]!.counts[CallCount.DIVERTED]).toBe(5);
  });

  test('no more of them wait for a name than held_calls', async () => {
    await start(mapping('named'), {}, { limits: { held_calls: 2 } });
    const waiting = [connect(), connect()];
    await until(() => plane.plane.connections === 2, 2000);
    await connect().until(({ ended }) => ended);
    expect(waiting.some(({ ended }) => ended)).toBe(false);
    expect([plane.hits('held_calls'), ends()['named.default:1 limit']]).toEqual([1, 1]);
  });

  test('it waits for a name that is being looked up', async () => {
    const upstream = await peer('named');
    const asked: string[] = [];
    await start(mapping('named'), {}, { onResolve: (service) => asked.push(service) });
    const client = connect();
    client.socket.write('early');
    await until(() => asked.length === 1, 2000);
    const endpoints = [{ address: '127.0.0.1', port: upstream.port, version: '' }];
    const known = {
      service: asked[0]!,
      state: 'known' as const,
      endpoints,
      version: '',
      everReady: true,
      problem: null,
    };
    plane.plane.applyEndpoints({ set: [known], delete: [] });
    await client.until(({ text }) => text === 'named\nearly');
  });
});

describe('server names', () => {
  const authority = makeCertificate({ subject: 'authority' });
  const certificateOf = (name: string) =>
    makeCertificate({ subject: name, names: [name], issuer: authority });

  /** A TLS server with a certificate of its own, which says its name. */
  async function tlsPeer(name: string, host: string): Promise<TcpPeer> {
    const { certificate: cert, privateKey: key } = certificateOf(host);
    const context = tls.createSecureContext({ cert, key });
    return peer(name, (socket) => {
      const secured = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
      secured.on('error', () => {});
      secured.on('secure', () => secured.end(name));
    });
  }

  /** What a client of this name is told, with the name in the certificate. */
  async function ask(servername: string, ALPNProtocols: string[] = []): Promise<string> {
    const socket = tls.connect({
      port: plane.port,
      host: '127.0.0.1',
      servername,
      ca: authority.certificate,
      ALPNProtocols,
    });
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    return new Promise((resolve) => {
      let subject = '';
      socket.once('secureConnect', () => {
        subject = String(socket.getPeerCertificate().subject.CN);
      });
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once('end', () => resolve(`${text} ${subject}`));
    });
  }

  test('TLS goes through untouched to the server of each name; others are refused', async () => {
    const a = await tlsPeer('a', 'a.example.org');
    const b = await tlsPeer('b', 'x.b.example.org');
    const manifest = mapping('a', 'host: A.example.org') + mapping('b', 'host: "*.b.example.org"');
    await start(manifest, { a: [a], b: [b] });
    expect(await ask('a.example.org')).toBe('a a.example.org');
    expect(await ask('x.b.example.org')).toBe('b x.b.example.org');
    expect(await ask('c.example.org')).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
    const plain = connect();
    plain.socket.write('GET / HTTP/1.1\r\n\r\n');
    await plain.until(({ closed, ended }) => closed || ended);
    await until(() => plane.plane.connections === 0, 2000);
    expect(ends()).toEqual({ 'a.default:1 ': 1, 'b.default:1 ': 1, ' no_route': 1 });
  });

  test('one without host takes what the others leave, cleartext included', async () => {
    const a = await tlsPeer('a', 'a.example.org');
    const rest = await tlsPeer('rest', 'c.example.org');
    await start(mapping('a', 'host: a.example.org') + mapping('rest'), { a: [a], rest: [rest] });
    expect(await ask('a.example.org')).toBe('a a.example.org');
    expect(await ask('c.example.org')).toBe('rest c.example.org');
  });

  test('beside HTTP it takes its own name and nothing else, also where a Host has the name', async () => {
    const a = await tlsPeer('a', 'a.example.org');
    const b = await peer('b', (socket) => socket.end('b'));
    const certificates =
      pair('b', certificateOf('b.example.org')) + pair('c', certificateOf('c.example.org'));
    const host = (name: string): string => `---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: ${name}}
spec: {hostname: ${name}.example.org, tlsSecret: {name: ${name}}, requestPolicy: {insecure: {action: Route}}}
`;
    const http = `---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: https}
spec: {port: 5432, protocol: HTTPS, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
`;
    const names = mapping('a', 'host: a.example.org') + mapping('b', 'host: b.example.org');
    await start(http + names + certificates + host('b') + host('c'), { a: [a], b: [b] });
    expect(await ask('a.example.org')).toBe('a a.example.org');
    expect(await ask('b.example.org')).toBe('b b.example.org');
    const port = { port: plane.port, host: '127.0.0.1' };
    const secured = tls.connect({ ...port, servername: 'c.example.org', ca: authority.certificate });
    for (const socket of [secured, net.connect(port)]) {
      socket.write('GET / HTTP/1.1\r\nhost: c.example.org\r\nconnection: close\r\n\r\n');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(String(answer)).toMatch(/^HTTP\/1\.1 404 /);
      socket.destroy();
    }
  });

  test('TLS is terminated where a context has the name, and spoken to the upstream where tls says so', async () => {
    const plain = await peer('plain', (socket) => socket.end('plain'));
    const secured = await tlsPeer('secured', 'secured');
    const host = (name: string): string =>
      `${pair(name, certificateOf(`${name}.example.org`))}---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: ${name}}
spec: {hostname: ${name}.example.org, tlsSecret: {name: ${name}}}
`;
    const manifest =
      mapping('plain', 'host: plain.example.org') +
      mapping('secured', 'host: secured.example.org').replace('"secured:1"', '"https://secured:1"');
    await start(manifest + host('plain') + host('secured'), { plain: [plain], secured: [secured] });
    expect(await ask('plain.example.org')).toBe('plain plain.example.org');
    // What is spoken in it is the upstream's business, and not the Host's h2 and http/1.1.
    expect(await ask('plain.example.org', ['postgresql'])).toBe('plain plain.example.org');
    expect(await ask('secured.example.org')).toBe('secured secured.example.org');
    await until(() => ends()['secured.default:1 '] === 1 && ends()['plain.default:1 '] === 2, 2000);
  });

  test('over TLS that ends here nothing is lost before the upstream stands, and each direction ends by itself', async () => {
    const got: string[] = [];
    const upstream = await peer('late', (socket) => {
      socket.on('data', (data) => got.push(String(data)));
      socket.on('end', () => setTimeout(() => socket.end('after the end'), 30));
    });
    const asked: string[] = [];
    const host = `${pair('late', certificateOf('late.example.org'))}---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: late}
spec: {hostname: late.example.org, tlsSecret: {name: late}}
`;
    const onResolve = (service: string): number => asked.push(service);
    await start(mapping('late', 'host: late.example.org') + host, {}, { onResolve });
    const options = { servername: 'late.example.org', ca: authority.certificate, allowHalfOpen: true };
    const socket = tls.connect({ ...options, port: plane.port, host: '127.0.0.1' } as tls.ConnectionOptions);
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.write('early');
    await until(() => asked.length === 1, 2000);
    socket.end(' and more');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const endpoints = [{ address: '127.0.0.1', port: upstream.port, version: '' }];
    const known = { service: asked[0]!, state: 'known' as const, endpoints, version: '', everReady: true };
    plane.plane.applyEndpoints({ set: [{ ...known, problem: null }], delete: [] });
    await once(socket, 'end');
    expect([got.join(''), text]).toEqual(['early and more', 'after the end']);
    await until(() => ends()['late.default:1 '] === 1, 2000);
  });
});
