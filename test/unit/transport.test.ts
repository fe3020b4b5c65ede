import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Loop } from '../../src/proxy/loop.ts';
import { ContextServer } from '../../src/proxy/tls/context-server.ts';
import { HandleTransport } from '../../src/proxy/transport/handle-transport.ts';
import { SecuredTransport } from '../../src/proxy/transport/secured-transport.ts';
import { SocketTransport } from '../../src/proxy/transport/socket-transport.ts';
import { internals, onAccepted, type TcpHandle } from '../../src/proxy/transport/tcp-handle.ts';
import type { Transport, TransportOwner } from '../../src/proxy/transport/transport.ts';
import { makeCertificate } from '../support/certificates.ts';

/** Writes down what a transport says. */
class Owner implements TransportOwner {
  readonly loop = new Loop();
  text = '';
  bytes = 0;
  ended = 0;
  drained = 0;
  connected = 0;
  readonly closed: string[] = [];

  onRead(length: number): void {
    this.bytes += length;
    if (this.text.length < 1000) this.text += this.loop.readBuffer.toString('latin1', 0, length);
  }

  onPeerEnded(): void {
    this.ended++;
  }

  onClosed(reason: string): void {
    this.closed.push(reason);
  }

  onConnected(): void {
    this.connected++;
  }

  onDrained(): void {
    this.drained++;
  }
}

interface Kind {
  accept(server: net.Server, take: (transport: Transport, owner: Owner) => void): void;
  /** What the peer speaks on its socket. */
  peer?(raw: net.Socket): net.Socket;
  /** Absent where nothing connects by it. */
  connect?(port: number, owner: Owner): Transport;
}

const certificate = makeCertificate({ subject: 'test' });

/** TLS below a transport. @param take makes it of a socket whose handshake is complete. */
function overTls(of: (socket: tls.TLSSocket, owner: Owner) => Transport): Kind {
  return {
    accept: (server, take) => {
      const context = new ContextServer(
        {
          name: 'test',
          hostnames: ['*'],
          virtualHost: null,
          broken: false,
          certificate: { chain: certificate.certificate, privateKey: certificate.privateKey },
          minVersion: 'TLSv1.2',
          maxVersion: 'TLSv1.3',
          alpn: ['h2'],
          cipherSuites: [],
          ecdhCurves: [],
          clientCertificates: 'off',
          ca: null,
          crl: null,
        },
        { ticketKeys: Buffer.alloc(48), handshakeTimeoutMs: 1000 },
      );
      server.on('connection', (raw) => {
        raw.on('error', () => {});
        context.begin(raw, {
          onSecured: (socket) => {
            socket.allowHalfOpen = true;
            const owner = new Owner();
            take(of(socket, owner), owner);
          },
          onFailed: (error) => {
            throw error;
          },
        });
      });
    },
    peer: (raw) => {
      // Not among the options of `connect`, and yet what it goes by.
      const socket = tls.connect({
        socket: raw,
        ca: certificate.certificate,
        checkServerIdentity: () => undefined,
      });
      socket.allowHalfOpen = true;
      return socket;
    },
  };
}

const kinds: Readonly<Record<string, Kind>> = {
  handle: {
    accept: (server, take) =>
      onAccepted(server, (accepted) => {
        const owner = new Owner();
        take(HandleTransport.accepted(accepted as TcpHandle, owner.loop, owner), owner);
      }),
    connect: (port, owner) => HandleTransport.connect('127.0.0.1', port, owner.loop, owner),
  },
  socket: {
    accept: (server, take) =>
      void server.on('connection', (accepted) => {
        const owner = new Owner();
        take(SocketTransport.accepted(accepted, owner.loop, owner), owner);
      }),
    connect: (port, owner) => SocketTransport.connect('127.0.0.1', port, owner.loop, owner),
  },
  'socket over TLS': overTls((socket, owner) => SocketTransport.accepted(socket, owner.loop, owner)),
  'handle over TLS': overTls((socket, owner) => SecuredTransport.accepted(socket, owner.loop, owner)),
};

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function listening(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return (server.address() as AddressInfo).port;
}

/** An accepted transport with a plain socket at the other end. */
async function pair(
  kind: Kind,
): Promise<{ transport: Transport; owner: Owner; peer: net.Socket; raw: net.Socket }> {
  const server = net.createServer({ pauseOnConnect: true });
  const port = await listening(server);
  const taken = new Promise<{ transport: Transport; owner: Owner }>((resolve) => {
    kind.accept(server, (transport, owner) => resolve({ transport, owner }));
  });
  const raw = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  raw.on('error', () => {});
  const peer = kind.peer?.(raw) ?? raw;
  peer.on('error', () => {});
  open.push({ close: () => peer.destroy() });
  const { transport, owner } = await taken;
  open.push({ close: () => transport.destroy() });
  return { transport, owner, peer, raw };
}

function write(transport: Transport, text: string): boolean {
  const bytes = Buffer.from(text);
  return transport.write(bytes, bytes.length);
}

describe('this Node', () => {
  it('gives its TCP handles, so that connections need no sockets', () => {
    expect(internals).not.toBeNull();
  });
});

describe.each(Object.entries(kinds))('a transport on a %s', (name, kind) => {
  it('is reset: the peer gets no orderly end', async () => {
    const { transport, owner, raw, peer } = await pair(kind);
    let code = '';
    let ended = false;
    raw.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? '';
    });
    peer.on('end', () => {
      ended = true;
    });
    peer.resume();
    transport.reset();
    await expect.poll(() => owner.closed).toEqual(['']);
    await expect.poll(() => ended || code !== '').toBe(true);
    // Over TLS a connection that is cut without close_notify is what a reset is.
    if (!name.endsWith('over TLS')) expect([code, ended]).toEqual(['ECONNRESET', false]);
  });

  it('gives what comes, and sends exactly the bytes that were asked for', async () => {
    const { transport, owner, peer } = await pair(kind);
    expect(transport.remoteAddress).toBe('127.0.0.1');
    peer.write('hello');
    await expect.poll(() => owner.text).toBe('hello');
    expect(transport.write(Buffer.from('answer and more'), 6)).toBe(true);
    const [got] = (await once(peer, 'data')) as [Buffer];
    expect(got.toString()).toBe('answer');
  });

  it('says when the kernel takes no more, loses nothing, and says when it has taken all', async () => {
    const { transport, owner, peer } = await pair(kind);
    const whole = 32 * 1024 * 1024;
    const bytes = Buffer.alloc(whole / 4, 'x');
    let free = true;
    for (let i = 0; i < 4; i++) free = transport.write(bytes, bytes.length);
    expect(free).toBe(false);
    expect(owner.drained).toBe(0);
    let came = 0;
    peer.on('data', (data: Buffer) => {
      came += data.length;
    });
    await expect.poll(() => came, { timeout: 5000 }).toBe(whole);
    await expect.poll(() => owner.drained).toBe(1);
    expect(write(transport, 'small')).toBe(true);
  });

  it('writes now what the kernel takes, and nothing when it is full or behind the end', async () => {
    const { transport, peer } = await pair(kind);
    const bytes = Buffer.alloc(1_000_000, 'x');
    let now = 0;
    peer.pause();
    for (let n = 0; n < 100; n++) {
      const taken = transport.writeNow(null, 0, bytes, 10, bytes.length);
      expect(taken).toBeLessThanOrEqual(bytes.length - 10);
      now += taken;
      if (taken === 0) break;
    }
    transport.write(Buffer.from('last'), 4);
    transport.end();
    expect(transport.writeNow(null, 0, bytes, 0, 10)).toBe(0);
    let received = 0;
    let text = '';
    peer.on('data', (data: Buffer) => {
      received += data.length;
      text = (text + data.toString('latin1')).slice(-4);
    });
    peer.resume();
    await once(peer, 'end');
    expect([received, text]).toEqual([now + 4, 'last']);
  });

  it('writes now what lies before, and the bytes behind it', async () => {
    const { transport, peer } = await pair(kind);
    let text = '';
    peer.on('data', (data) => {
      text += data;
    });
    const taken = transport.writeNow(Buffer.from('head,not'), 5, Buffer.from('no body'), 2, 7);
    expect([0, 10]).toContain(taken);
    if (taken === 0) write(transport, 'head, body');
    await expect.poll(() => text).toBe('head, body');
  });

  it('takes nothing at once while a write waits, nor when it is gone, whoever has its descriptor then', async () => {
    const { transport, owner, peer } = await pair(kind);
    peer.pause();
    const large = Buffer.alloc(16 * 1024 * 1024, 'a');
    expect(transport.write(large, large.length)).toBe(false);
    const taken: number[] = [];
    peer.on('data', () => {
      if (owner.drained === 0) taken.push(transport.writeNow(null, 0, Buffer.from('b'), 0, 1));
    });
    peer.resume();
    await expect.poll(() => owner.drained).toBe(1);
    expect(new Set(taken)).toEqual(new Set([0]));
    transport.destroy();
    expect(transport.writeNow(null, 0, large, 0, 1)).toBe(0);
    await expect.poll(() => owner.closed).toEqual(['']);
    const next = await pair(kind);
    let received = '';
    next.peer.on('data', (data) => {
      received += data;
    });
    expect([transport.writeNow(null, 0, large, 0, 1), transport.write(large, 1)]).toEqual([0, true]);
    next.transport.write(Buffer.from('own'), 3);
    await expect.poll(() => received).toBe('own');
  });

  it('stops reading, so that the peer stops, and goes on', async () => {
    const { transport, owner, peer } = await pair(kind);
    transport.pause();
    peer.write(Buffer.alloc(64 * 1024 * 1024));
    await new Promise((done) => setTimeout(done, 100));
    const before = owner.bytes;
    await new Promise((done) => setTimeout(done, 100));
    expect(owner.bytes).toBe(before);
    expect(peer.writableLength).toBeGreaterThan(0);
    transport.resume();
    await expect.poll(() => owner.bytes, { timeout: 5000 }).toBe(64 * 1024 * 1024);
  });

  it('keeps its half open when the peer ends, and closes once both have', async () => {
    const { transport, owner, peer } = await pair(kind);
    peer.end('last words');
    await expect.poll(() => owner.ended).toBe(1);
    expect(owner.text).toBe('last words');
    expect(owner.closed).toEqual([]);
    write(transport, 'and mine');
    transport.end();
    const [got] = (await once(peer, 'data')) as [Buffer];
    expect(got.toString()).toBe('and mine');
    await once(peer, 'end');
    await expect.poll(() => owner.closed).toEqual(['']);
  });

  it('reads on after its own end, and writes nothing more', async () => {
    const { transport, owner, peer } = await pair(kind);
    transport.end();
    peer.resume();
    await once(peer, 'end');
    expect(write(transport, 'too late')).toBe(true);
    peer.end('still here');
    await expect.poll(() => owner.text).toBe('still here');
    await expect.poll(() => owner.closed).toEqual(['']);
  });

  it('names the error when the peer resets it, once', async () => {
    const { transport, owner, raw } = await pair(kind);
    // Behind the session tickets of TLS: reset in the middle of them it looks like an end.
    await new Promise((done) => setTimeout(done, 20));
    raw.resetAndDestroy();
    await expect.poll(() => owner.closed).toEqual(['ECONNRESET']);
    transport.destroy();
    write(transport, 'nobody');
    await new Promise((done) => setTimeout(done, 20));
    expect(owner.closed).toEqual(['ECONNRESET']);
  });

  it('is gone after destroy, and says so once, later', async () => {
    const { transport, owner, peer } = await pair(kind);
    const ended = once(peer.resume(), 'end');
    transport.destroy();
    transport.destroy();
    expect(owner.closed).toEqual([]);
    await expect.poll(() => owner.closed).toEqual(['']);
    await ended;
  });
});

const connecting = Object.entries(kinds).flatMap(([name, { connect }]) =>
  connect === undefined ? [] : [[name, connect] as const],
);

describe.each(connecting)('a transport on a %s', (_, connect) => {
  it('connects, and sends what was written before it stood', async () => {
    const got: string[] = [];
    const server = net.createServer((socket) => {
      socket.on('data', (data) => got.push(String(data)));
      socket.on('end', () => socket.end('bye'));
    });
    const owner = new Owner();
    const transport = connect(await listening(server), owner);
    expect(write(transport, 'first ')).toBe(false);
    expect(write(transport, 'second')).toBe(false);
    await expect.poll(() => got.join('')).toBe('first second');
    expect(owner.drained).toBe(1);
    transport.end();
    await expect.poll(() => owner.text).toBe('bye');
    await expect.poll(() => owner.closed).toEqual(['']);
  });

  it('says why it could not connect', async () => {
    const server = net.createServer();
    const port = await listening(server);
    server.close();
    await once(server, 'close');
    const owner = new Owner();
    write(connect(port, owner), 'nobody is there');
    await expect.poll(() => owner.closed).toEqual(['ECONNREFUSED']);
    expect(owner.drained).toBe(0);
  });
});

it.skipIf(process.platform !== 'linux' || internals === null)(
  'an accepted handle has keep-alive from the listening one',
  async () => {
    const server = net.createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const accepted = new Promise<Transport>((resolve) => {
      onAccepted(server, (handle) => {
        const owner = new Owner();
        resolve(HandleTransport.accepted(handle as TcpHandle, owner.loop, owner));
      });
    });
    const client = net.connect(port, '127.0.0.1');
    const transport = await accepted;
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n');
    const row = rows
      .map((line) => line.trim().split(/\s+/))
      .find((c) => c[1]?.endsWith(local) && c[3] === '01');
    // The kind of timer that is armed (2: keep-alive) and when it comes, in hundredths of a second.
    const [kind, when] = row![5]!.split(':');
    expect(kind).toBe('02');
    expect(Number.parseInt(when!, 16)).toBeGreaterThan(5000);
    expect(Number.parseInt(when!, 16)).toBeLessThanOrEqual(6000);
    transport.destroy();
    client.destroy();
    server.close();
  },
);
