import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mostHelloBytes, readFirstBytes } from './client-hello.ts';

let server: net.Server;
const heard: Buffer[] = [];

beforeAll(async () => {
  server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => heard.push(bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(() => server.close());

/** What OpenSSL says first. */
async function hello(options: tls.ConnectionOptions): Promise<Buffer> {
  const { port } = server.address() as AddressInfo;
  const before = heard.length;
  const client = tls.connect({ port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  await expect.poll(() => heard.length).toBe(before + 1);
  client.destroy();
  return heard.at(-1)!;
}

/** The same handshake in records of at most so many bytes. */
function inRecords(bytes: Buffer, most: number): Buffer {
  const message = bytes.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += most) {
    const part = message.subarray(at, at + most);
    records.push(Buffer.of(22, 3, 1, part.length >> 8, part.length & 255), part);
  }
  return Buffer.concat(records);
}

describe('the first bytes of a connection', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are a ClientHello with its server name (%s)', async (version) => {
    const bytes = await hello({ servername: 'A.Example.org', minVersion: version, maxVersion: version });
    const found = { kind: 'hello', serverName: 'a.example.org' };
    expect(readFirstBytes(bytes)).toEqual(found);
    expect(readFirstBytes(Buffer.concat([bytes, Buffer.alloc(100, 23)]))).toEqual(found);
  });

  it('need have no server name, nor any extension', async () => {
    const none = { kind: 'hello', serverName: null };
    expect(readFirstBytes(await hello({ ALPNProtocols: ['h2'] }))).toEqual(none);
    const bare = Buffer.concat([Buffer.of(3, 1), Buffer.alloc(32), Buffer.of(0, 0, 2, 0, 1, 1, 0)]);
    const message = Buffer.concat([Buffer.of(1, 0, 0, bare.length), bare]);
    expect(readFirstBytes(Buffer.concat([Buffer.of(22, 3, 1, 0, message.length), message]))).toEqual(none);
  });

  it('are incomplete until the last of them, also in many records', async () => {
    const bytes = await hello({ servername: 'a.example.org' });
    for (const whole of [bytes, inRecords(bytes, 100), inRecords(bytes, 1)]) {
      for (let length = 0; length < whole.length; length++)
        expect(readFirstBytes(whole.subarray(0, length)).kind).toBe('incomplete');
      expect(readFirstBytes(whole)).toEqual({ kind: 'hello', serverName: 'a.example.org' });
    }
  });

  it('are cleartext when they begin with anything else', () => {
    for (const text of ['PRI * HTTP/2.0', 'GET / HTTP/1.1', '\0', '\x80\x2e'])
      expect(readFirstBytes(Buffer.from(text, 'latin1'))).toEqual({ kind: 'cleartext' });
  });

  it.each([
    ['another version of the record', [22, 2]],
    ['an empty record', [22, 3, 1, 0, 0]],
    ['a record that is too long', [22, 3, 1, 0x40, 1]],
    ['another message', [22, 3, 1, 0, 4, 2]],
    ['a second record of another kind', [22, 3, 1, 0, 1, 1, 23]],
    ['a message that is too long', [22, 3, 1, 0, 4, 1, 0, (mostHelloBytes >> 8) + 1, 0]],
    ['nothing in it', [22, 3, 1, 0, 4, 1, 0, 0, 0]],
  ])('are malformed with %s', (_, bytes) => {
    expect(readFirstBytes(Buffer.from(bytes))).toEqual({ kind: 'malformed' });
  });

  it('never throw, whatever byte is another', async () => {
    const bytes = await hello({ servername: 'a.example.org', ALPNProtocols: ['h2'] });
    for (let at = 0; at < bytes.length; at++) {
      for (const other of [0, 1, 127, 255]) {
        const changed = Buffer.from(bytes);
        changed[at] = other;
        const { kind } = readFirstBytes(changed);
        expect(['hello', 'incomplete', 'malformed', 'cleartext']).toContain(kind);
      }
    }
  });

  it('have no name in which there are other than visible characters', async () => {
    const bytes = await hello({ servername: 'a.example.org' });
    const at = bytes.indexOf('a.example.org');
    for (const byte of [0, 0x20, 0x7f, 0xff]) {
      const changed = Buffer.from(bytes);
      changed[at] = byte;
      expect(readFirstBytes(changed)).toEqual({ kind: 'malformed' });
    }
  });
});
