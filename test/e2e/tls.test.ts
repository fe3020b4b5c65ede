import { mkdtempSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { greeterClient } from '../../src/cli/demo/greeter.ts';
import { makeCertificate, makeRevocationList, type TestCertificate } from '../support/certificates.ts';
import { startHello } from '../support/hello.ts';
import { scrape, sum } from '../support/scrape.ts';
import { type RunningSerin, startSerin, until } from '../support/serin.ts';
import { get, type Holding, startHolding, TlsClients } from '../support/tls-clients.ts';
import { context, pair, quoteMapping, secret } from '../support/tls-manifests.ts';

const authority = makeCertificate({ subject: 'authority' });
const stranger = makeCertificate({ subject: 'stranger' });
const forA = makeCertificate({ subject: 'a', names: ['a.example.org'], issuer: authority });
const nextForA = makeCertificate({ subject: 'a-next', names: ['a.example.org'], issuer: authority });
const forAll = makeCertificate({ subject: 'all', names: ['*.example.org'], issuer: authority });
const forAny = makeCertificate({ subject: 'any', names: ['any.test'], issuer: authority });
const friend = makeCertificate({ subject: 'friend', issuer: authority });
const former = makeCertificate({ subject: 'former', issuer: authority });
const foreign = makeCertificate({ subject: 'friend', issuer: stranger });

const contexts =
  pair('all', forAll) +
  pair('any', forAny) +
  secret('ca', { 'tls.crt': authority.certificate }) +
  secret('crl', { 'crl.pem': makeRevocationList(authority, [former]) }) +
  context('a', 'hosts: [a.example.org], secret: a') +
  context('all', 'hosts: ["*.example.org"], secret: all') +
  context('any', 'hosts: ["*"], secret: any') +
  context(
    'strict',
    'hosts: [strict.example.org], secret: all, ca_secret: ca, crl_secret: crl, cert_required: true',
  ) +
  context('asks', 'hosts: [asks.example.org], secret: all, ca_secret: ca') +
  context(
    'choosy',
    'hosts: [choosy.example.org], secret: all, min_tls_version: v1.3, alpn_protocols: http/1.1',
  ) +
  context('old', 'hosts: [old.example.org], secret: all, max_tls_version: v1.2');

/** What a client says of itself. */
function shows(certificate: TestCertificate): tls.ConnectionOptions {
  return { cert: certificate.certificate, key: certificate.privateKey };
}

let upstream: Holding;
let serin: RunningSerin;
const folder = mkdtempSync(join(tmpdir(), 'serin-tls-'));
const file = join(folder, 'manifests.yaml');
const port = (): number => Number(serin.listen.split(':')[1]);
const clients = new TlsClients(port, authority.certificate);
const secured = clients.secured.bind(clients);
const session = clients.session.bind(clients);

beforeAll(async () => {
  upstream = await startHolding();
  writeFileSync(file, quoteMapping + contexts + pair('a', forA));
  const resolve = `quote:80=127.0.0.1:${upstream.recorder.port}`;
  const limit = 'tls_handshake_timeout=300';
  serin = await startSerin([folder, '--resolve', resolve, '--workers', '2', '--limit', limit]);
});

afterAll(async () => {
  await serin?.stop();
  upstream?.recorder.close();
});

afterEach(() => {
  clients.close();
  for (const close of cleanUp.splice(0)) close();
});

const cleanUp: (() => void)[] = [];

/** A handshake as TLS 1.3 sees it stands before the server has judged the client: only a call tells. */
async function call(servername: string, options: tls.ConnectionOptions = {}, host = servername) {
  return get(session(await secured(servername, options)), host);
}

async function failures(reason: string): Promise<number> {
  return sum(await scrape(serin.admin), 'serin_tls_handshake_failures_total', `reason="${reason}"`);
}

/** Waits until one more failure of a kind has been counted than before `work`. */
async function countsOne(reason: string, work: () => Promise<unknown>): Promise<void> {
  const before = await failures(reason);
  await work();
  await until(async () => (await failures(reason)) > before, 3000);
  expect(await failures(reason)).toBe(before + 1);
}

async function neighbourIsServed(): Promise<void> {
  expect(await call('a.example.org')).toMatchObject({ status: 200, body: 'ok' });
}

const subject = (socket: tls.TLSSocket): string => socket.getPeerCertificate().subject.CN;

describe('a port with TLS', () => {
  test('answers over TLS, tells the upstream so, and takes cleartext as well', async () => {
    const socket = await secured('a.example.org', { minVersion: 'TLSv1.3' });
    expect([socket.authorized, socket.alpnProtocol, socket.getProtocol()]).toEqual([true, 'h2', 'TLSv1.3']);
    expect(await get(session(socket), 'a.example.org')).toMatchObject({ status: 200, body: 'ok' });
    const last = upstream.recorder.requests.at(-1)!.headers;
    expect([last['x-forwarded-proto'], last['x-forwarded-for']]).toEqual(['https', '127.0.0.1']);
    expect(await get(session(), 'a.example.org')).toMatchObject({ status: 200, body: 'ok' });
    expect(upstream.recorder.requests.at(-1)!.headers['x-forwarded-proto']).toBe('http');
  });

  test('carries large answers to several clients at a time', async () => {
    const all = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const client = session(await secured('a.example.org'));
        const answers = await Promise.all([1, 2, 3].map(() => get(client, 'a.example.org', '/large')));
        return answers.map(({ body }) => body.length);
      }),
    );
    expect(all.flat()).toEqual(Array.from({ length: 12 }, () => 3_000_000));
  });

  test.each([
    ['exactly', 'a.example.org', 'a'],
    ['whatever its letter case', 'A.Example.ORG', 'a'],
    ['by a star', 'b.example.org', 'all'],
    ['by a star, however deep', 'c.b.example.org', 'all'],
    ['or by default when nobody has it', 'example.org', 'any'],
    ['or by default without a name', '', 'any'],
  ])('chooses the certificate by server name: %s', async (_, servername, wanted) => {
    expect(subject(await secured(servername))).toBe(wanted);
  });

  test('speaks what the context of the server name says, and nothing else', async () => {
    const choosy = await secured('choosy.example.org', { ALPNProtocols: ['h2', 'http/1.1'] });
    expect([choosy.alpnProtocol, choosy.getProtocol()]).toEqual(['http/1.1', 'TLSv1.3']);
    expect((await secured('old.example.org')).getProtocol()).toBe('TLSv1.2');
    await countsOne('protocol', () =>
      expect(secured('choosy.example.org', { ALPNProtocols: ['h2'] })).rejects.toThrow(),
    );
    await countsOne('version', () =>
      expect(secured('choosy.example.org', { maxVersion: 'TLSv1.2' })).rejects.toThrow(),
    );
  });

  test('refuses TLS 1.1', async () => {
    const old: tls.ConnectionOptions = {
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    };
    await countsOne('version', () => expect(secured('a.example.org', old)).rejects.toThrow(/version|alert/));
  });
});

describe('client certificates', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('that are required (%s)', async (version) => {
    const only = { minVersion: version, maxVersion: version };
    const strict = 'strict.example.org';
    expect(await call(strict, { ...shows(friend), ...only })).toMatchObject({ status: 200 });
    await countsOne('client_certificate', () => expect(call(strict, only)).rejects.toThrow());
    await countsOne('client_certificate', () =>
      expect(call(strict, { ...shows(foreign), ...only })).rejects.toThrow(),
    );
    await countsOne('client_certificate', () =>
      expect(call(strict, { ...shows(former), ...only })).rejects.toThrow(),
    );
  });

  test('that are optional need not be shown, but have to be good', async () => {
    const asks = 'asks.example.org';
    expect(await call(asks)).toMatchObject({ status: 200 });
    expect(await call(asks, shows(friend))).toMatchObject({ status: 200 });
    await countsOne('client_certificate', () => expect(call(asks, shows(foreign))).rejects.toThrow());
  });

  test('cannot be gone round by another server name, in cleartext or by a ticket of another context', async () => {
    const strict = 'strict.example.org';
    for (const host of [strict, 'STRICT.example.org:443', `${strict}.`])
      expect(await call('a.example.org', {}, host)).toMatchObject({ status: 421 });
    expect(await get(session(), strict)).toMatchObject({ status: 421 });
    const ticket = await ticketOf('a.example.org');
    await expect(call(strict, { session: ticket })).rejects.toThrow();
    const shown = await secured(strict, { ...shows(friend), session: ticket });
    expect(shown.isSessionReused()).toBe(false);
  });

  test('that were refused are refused with a ticket, too, should the client have got one', async () => {
    const strict = 'strict.example.org';
    const sessions: Buffer[] = [];
    const refused = await secured(strict, shows(foreign));
    refused.on('session', (session) => sessions.push(session));
    refused.resume();
    await new Promise((resolve) => refused.once('close', resolve));
    const known = refused.getSession();
    for (const session of [...sessions, ...(known === undefined ? [] : [known])]) {
      await expect(call(strict, { session })).rejects.toThrow();
      await expect(call(strict, { ...shows(foreign), session })).rejects.toThrow();
    }
  });
});

/** A session that can be resumed. */
async function ticketOf(servername: string, options: tls.ConnectionOptions = {}): Promise<Buffer> {
  const socket = await secured(servername, options);
  // With TLS 1.3 it comes behind the handshake.
  const ticket = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  const known = socket.getProtocol() === 'TLSv1.2' ? socket.getSession() : undefined;
  const got = known ?? (await ticket);
  socket.destroy();
  return got;
}

describe('session tickets', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('of one worker resume on each (%s)', async (version) => {
    const only = { minVersion: version, maxVersion: version };
    const resumed = async (): Promise<number> =>
      sum(await scrape(serin.admin), 'serin_tls_handshakes_total', 'resumed="true"');
    const before = await resumed();
    // Connections go to the two workers in turn.
    for (let n = 0; n < 4; n++) {
      const ticket = await ticketOf('a.example.org', only);
      const next = await secured('a.example.org', { ...only, session: ticket });
      expect(next.isSessionReused()).toBe(true);
      expect(await get(session(next), 'a.example.org')).toMatchObject({ status: 200 });
      if (n % 2 === 0) (await secured('a.example.org')).destroy();
    }
    await until(async () => (await resumed()) === before + 4, 2000);
  });
});

describe('a Secret that changes', () => {
  /** Connections go to the two workers in turn. */
  async function onBoth(what: () => Promise<boolean>): Promise<boolean> {
    return (await what()) && (await what());
  }

  test('is shown to new connections within a moment; calls under way go on where they are', async () => {
    const client = session(await secured('a.example.org'));
    const running = get(client, 'a.example.org', '/held');
    await until(() => upstream.held.length === 1, 2000);
    writeFileSync(file, quoteMapping + contexts + pair('a', nextForA));
    await until(() => onBoth(async () => subject(await secured('a.example.org')) === 'a-next'), 3000);
    expect(await get(client, 'a.example.org')).toMatchObject({ status: 200 });
    upstream.held.splice(0)[0]!();
    expect(await running).toMatchObject({ status: 200, body: 'ok' });
  });

  test('and is broken leaves the last good one; one that is new and broken costs its own name', async () => {
    const broken = secret('a', { 'tls.crt': 'x', 'tls.key': nextForA.privateKey });
    const more = secret('b', { 'tls.crt': 'x', 'tls.key': 'x' }) + context('b', 'hosts: [b.test], secret: b');
    writeFileSync(file, quoteMapping + contexts + broken + more);
    await until(() => onBoth(async () => (await secured('b.test').catch(() => null)) === null), 3000);
    // Until the workers have told of these.
    await new Promise((resolve) => setTimeout(resolve, 250));
    await countsOne('no_certificate', () => expect(secured('b.test')).rejects.toThrow(/unrecognized name/i));
    expect(subject(await secured('a.example.org'))).toBe('a-next');
    expect(await call('a.example.org')).toMatchObject({ status: 200 });
    const { issues } = (await (await fetch(`${serin.admin}/api/v1/errors`)).json()) as {
      issues: { code: string; kept: boolean }[];
    };
    const seen = issues.filter(({ code }) => code === 'certificate-unreadable').map(({ kept }) => kept);
    expect(seen.sort()).toEqual([false, true]);
  });
});

describe('what goes wrong costs only itself', () => {
  /** A connection of bytes; resolves when the gateway has closed it. */
  async function sends(bytes: Buffer, leave = false): Promise<void> {
    const socket = net.connect(port(), '127.0.0.1');
    cleanUp.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.resume();
    socket.write(bytes, () => leave && socket.destroy());
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  }

  /** A real ClientHello. */
  async function clientHello(options: tls.ConnectionOptions = {}): Promise<Buffer> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const taken = new Promise<Buffer>((resolve) =>
      server.once('connection', (socket) => socket.on('error', () => {}).once('data', resolve)),
    );
    const { port } = server.address() as net.AddressInfo;
    const client = tls.connect({ port, host: '127.0.0.1', servername: 'a.example.org', ...options });
    client.on('error', () => {});
    const hello = await taken;
    client.destroy();
    server.close();
    return hello;
  }

  const garbage = Buffer.concat([Buffer.of(22, 3, 1, 0, 100, 1, 0, 0, 96), Buffer.alloc(96, 0xff)]);

  test('a ClientHello of garbage, and one that OpenSSL does not like', async () => {
    await countsOne('malformed', () => sends(garbage));
    const hello = await clientHello();
    hello[hello.length - 1]! ^= 0xff;
    hello.fill(0xff, 44, 44 + 32);
    // No cipher that anybody knows.
    const ciphers = 44 + 32;
    hello.fill(0xfe, ciphers + 2, ciphers + 2 + hello.readUInt16BE(ciphers));
    const before = sum(await scrape(serin.admin), 'serin_tls_handshake_failures_total');
    await sends(hello);
    await until(
      async () => sum(await scrape(serin.admin), 'serin_tls_handshake_failures_total') === before + 1,
      3000,
    );
    await neighbourIsServed();
  });

  test('a client that does not believe the certificate', async () => {
    const hello = await clientHello({ maxVersion: 'TLSv1.2' });
    const unknownAuthority = Buffer.of(21, 3, 3, 0, 2, 2, 48);
    await countsOne('alert', () => sends(Buffer.concat([hello, unknownAuthority])));
  });

  test('a handshake that is slow before the ClientHello is whole, or after it', async () => {
    const hello = await clientHello();
    await countsOne('timeout', () => sends(hello.subarray(0, 100)));
    await countsOne('timeout', () => sends(hello));
    await neighbourIsServed();
  });

  test('a ClientHello in pieces is no fault', async () => {
    const through = net.createServer((socket) => {
      const onward = net.connect(port(), '127.0.0.1');
      onward.setNoDelay(true);
      socket.on('error', () => {}).on('close', () => onward.destroy());
      onward.on('error', () => {}).on('close', () => socket.destroy());
      onward.pipe(socket);
      socket.once('data', async (hello: Buffer) => {
        for (let at = 0; at < hello.length; at += 40) {
          onward.write(hello.subarray(at, at + 40));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        socket.pipe(onward);
      });
    });
    await new Promise<void>((resolve) => through.listen(0, '127.0.0.1', resolve));
    cleanUp.push(() => through.close());
    const { port: between } = through.address() as net.AddressInfo;
    expect(await call('a.example.org', { port: between })).toMatchObject({ status: 200 });
  });

  test('a client that leaves in the middle; one that only looks is no failure', async () => {
    const hello = await clientHello();
    await countsOne('closed', () => sends(hello.subarray(0, 100), true));
    await countsOne('closed', () => sends(hello, true));
    const before = sum(await scrape(serin.admin), 'serin_tls_handshake_failures_total');
    const look = net.connect(port(), '127.0.0.1');
    await new Promise((resolve) => look.once('connect', resolve));
    look.destroy();
    await neighbourIsServed();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(sum(await scrape(serin.admin), 'serin_tls_handshake_failures_total')).toBe(before);
  });

  test('no private key is anywhere to be seen, and no worker has died', async () => {
    const paths = ['/metrics', '/api/v1/routes', '/api/v1/services', '/api/v1/errors'];
    const pages = await Promise.all(paths.map(async (path) => (await fetch(serin.admin + path)).text()));
    const all = pages.join('\n') + serin.log();
    for (const { privateKey } of [forA, nextForA, forAll, forAny]) {
      const body = privateKey.split('\n')[1]!;
      expect(all).not.toContain(body);
      expect(all).not.toContain(Buffer.from(body).toString('base64').slice(0, 40));
    }
    expect(sum(await scrape(serin.admin), 'serin_worker_deaths_total')).toBe(0);
  });
});

test('grpc-js with TLS credentials calls the Greeter through the gateway', async () => {
  const manifests = join(mkdtempSync(join(tmpdir(), 'serin-tls-hello-')), 'tls.yaml');
  writeFileSync(manifests, pair('all', forAll) + context('all', 'hosts: ["*"], secret: all'));
  const hello = await startHello([manifests, '--workers', '1']);
  const client = greeterClient(hello.serin.listen, {
    authority: authority.certificate,
    serverName: 'greeter.example.org',
  });
  try {
    const answers = await Promise.all(Array.from({ length: 100 }, () => client.sayHello('tls')));
    expect(answers.filter((answer) => answer.endsWith('1.1')).length).toBeGreaterThanOrEqual(18);
    expect(answers.every((answer) => answer.startsWith('Hello tls, I am 1.'))).toBe(true);
  } finally {
    client.close();
    await hello.stop();
  }
});
