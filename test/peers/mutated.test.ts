import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { normalisePath } from '../../src/routing/index.ts';
import { difference, originForm, type PeerMessage } from '../conformance/http1-compare.ts';
import { mutated, seeded } from '../conformance/http1-mutate.ts';
import { type ReadMessage, readConnection } from '../conformance/http1-support.ts';
import { mutatedRequest, type SentRequest } from '../conformance/http2-mutate.ts';
import { goHttp1, goReads } from '../support/http1-go.ts';
import { llhttpReads } from '../support/llhttp.ts';
import { peerTest } from '../support/peer.ts';
import { block, frame, RawClient } from '../support/raw-http2.ts';
import { scrape, sum } from '../support/scrape.ts';
import { type RunningSerin, startSerin } from '../support/serin.ts';
import { type StrictBackend, startStrictBackend } from '../support/strict-backend.ts';

/**
 * Mutated messages through the running gateway to a strict server: what arrives is what the reader in the process made of
 * them, or what was sent over HTTP/2. `SERIN_MUTATED` (10,000) and `SERIN_MUTATED_SEED` (printed) repeat a run.
 */
const total = Number(process.env.SERIN_MUTATED ?? 10_000);
const seed = Number(process.env.SERIN_MUTATED_SEED ?? Math.floor(Math.random() * 2 ** 31));

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /, rewrite: "", service: "web:80", timeout_ms: 10000}
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: options}
spec: {prefix: "*", rewrite: "", service: "web:80", timeout_ms: 10000}
`;

let backend: StrictBackend;
let serin: RunningSerin;
let port: number;

beforeAll(async () => {
  backend = await startStrictBackend();
  const file = join(mkdtempSync(join(tmpdir(), 'serin-mutated-')), 'web.yaml');
  writeFileSync(file, manifest);
  const resolve = ['--resolve', `web:80=127.0.0.1:${backend.port}`];
  // A flood of faulty streams is what this test makes on purpose.
  serin = await startSerin([file, '--workers', '1', '--limit', 'resets_per_second=1000000', ...resolve]);
  port = Number(serin.listen.split(':')[1]);
});

afterAll(async () => {
  await serin?.stop();
  backend?.close();
});

/** Path as the gateway sends it, for a target as it came. */
function sent(target: string): string {
  const [, path, query] = /^([^?]*)(.*)$/s.exec(target)!;
  const normal = path === '*' ? { path } : normalisePath(path!);
  const text = 'path' in normal ? normal.path + query! : target;
  return text.replace(/[\x7f-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A path that the gateway does not answer with 400. */
function isServed(target: string): boolean {
  return target === '*' || ('path' in normalisePath(target.split('?')[0]!) && !/[\0-\x20\x7f]/.test(target));
}

/** Methods that llhttp knows: it refuses others, and Serin does not. */
const known = new Set(http.METHODS);

function complain(what: string, bytes: unknown, got: unknown): never {
  throw new Error(`seed ${seed}: ${what}\nsent: ${JSON.stringify(bytes)}\narrived: ${JSON.stringify(got)}`);
}

/** Everything that arrived so far, read once more by llhttp and Go as connections: the same messages, and none refused. */
function readAgain(): number {
  for (const { bytes, why } of backend.refused) {
    if (why !== 'HPE_INVALID_METHOD') complain(`the backend refuses it: ${why}`, null, bytes);
  }
  const connections = backend.connections();
  const go = goReads(connections);
  let messages = 0;
  for (const [i, bytes] of connections.entries()) {
    const llhttp = llhttpReads(bytes);
    messages += llhttp.messages.length;
    const most = Math.min(llhttp.messages.length, go[i]!.messages.length);
    for (let n = 0; n < most; n++) {
      const [a, b] = [llhttp.messages[n]!, go[i]!.messages[n]!];
      if (a.method !== b.method || a.target !== b.target || a.body !== b.body)
        complain('llhttp and Go differ', a, b);
    }
  }
  return messages;
}

describe('mutated messages through the running gateway', () => {
  peerTest(goHttp1, `${total.toLocaleString('en')} connections of HTTP/1.1`, async () => {
    const random = seeded(seed);
    let arrived = 0;
    for (let n = 0; n < total; n++) {
      const bytes = mutated(random, random(4) === 0 ? 8 : 3);
      const expected = readConnection(bytes);
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => {});
      socket.resume();
      socket.end(bytes);
      await Promise.race([
        once(socket, 'close'),
        new Promise((_, reject) =>
          setTimeout(
            () => reject(new Error(`seed ${seed}: it hangs: ${JSON.stringify(bytes.toString('latin1'))}`)),
            15_000,
          ).unref(),
        ),
      ]);
      const got = backend.received.splice(0);
      arrived += got.length;
      inOrder(expected.messages, got, bytes);
    }
    const messages = readAgain();
    console.info(
      `HTTP/1.1: SERIN_MUTATED_SEED=${seed}; ${total} connections, ${arrived} requests arrived, ${messages} read in the bytes`,
    );
    expect(arrived).toBeGreaterThan(total / 3);
    expect(sum(await scrape(serin.admin), 'serin_worker_deaths_total')).toBe(0);
  });

  peerTest(goHttp1, `${total.toLocaleString('en')} requests of HTTP/2 to HTTP/1.1`, async () => {
    const random = seeded(seed + 1);
    let arrived = 0;
    let refused = 0;
    let client = await RawClient.connect(port);
    let stream = -1;
    for (let n = 0; n < total; n++) {
      if (client.closed || client.goaway() !== null || stream > 2000) {
        client.close();
        client = await RawClient.connect(port);
        stream = -1;
      }
      stream += 2;
      const request = mutatedRequest(random, random(4) === 0 ? 6 : 3);
      client.send(frames(request, stream));
      const over = (): boolean =>
        client.ended(stream) || client.reset(stream) !== null || client.goaway() !== null;
      if (!(await client.until(over, 15_000)) && !client.closed) complain('it hangs', request, null);
      client.frames.length = 0;
      const got = backend.received.splice(0);
      if (got.length > 1) complain('one request became several', request, got);
      if (got.length === 0) {
        refused++;
        if (request.valid) complain('a valid request is refused', request, got);
        continue;
      }
      arrived++;
      const why = sameRequest(request, got[0]!);
      if (why !== '') complain(why, request, got);
    }
    client.close();
    const messages = readAgain();
    console.info(
      `HTTP/2: SERIN_MUTATED_SEED=${seed}; ${arrived} requests arrived, ${refused} refused, ${messages} read in the bytes`,
    );
    expect(arrived).toBeGreaterThan(total / 4);
    expect(refused).toBeGreaterThan(total / 8);
    expect(sum(await scrape(serin.admin), 'serin_worker_deaths_total')).toBe(0);
  });
});

/** What arrived are messages that the reader found, in their order, and each is the same. */
function inOrder(expected: readonly ReadMessage[], got: readonly PeerMessage[], bytes: Buffer): void {
  let at = 0;
  const servable = expected.filter(
    ({ method, target }) => method !== 'CONNECT' && known.has(method) && isServed(originForm(method, target)),
  );
  if (got.length < servable.length)
    complain(`${servable.length} messages should arrive`, bytes.toString('latin1'), got);
  for (const message of got) {
    let why = 'there is no such message';
    for (; at < expected.length && why !== ''; at++) {
      const one = expected[at]!;
      if (one.method === 'CONNECT' || !known.has(one.method)) continue;
      why = difference({ ...one, target: sent(originForm(one.method, one.target)) }, message, false);
    }
    // An upgrade that nobody allows is ignored, and what comes behind it is read; the reader stops there.
    if (why !== '' && !/upgrade/i.test(bytes.toString('latin1')))
      complain(why, bytes.toString('latin1'), got);
  }
}

function frames({ fields, body, trailers }: SentRequest, stream: number): Buffer {
  const fin = body === '' && trailers.length === 0;
  const parts = [frame(1, fin ? 5 : 4, stream, block(fields))];
  if (body !== '') parts.push(frame(0, trailers.length === 0 ? 1 : 0, stream, Buffer.from(body, 'latin1')));
  if (trailers.length > 0) parts.push(frame(1, 5, stream, block(trailers)));
  return Buffer.concat(parts);
}

/** Fields that the gateway writes itself. */
const own = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
]);

/** Why what arrived is not what was sent; '' when it is. */
function sameRequest({ fields, body, trailers }: SentRequest, got: PeerMessage): string {
  const of = (name: string): string[] => fields.filter((field) => field[0] === name).map((field) => field[1]);
  if (of(':method').join() !== got.method) return `method ${got.method}`;
  if (sent(of(':path').join()) !== got.target) return `target ${got.target}`;
  const host = of(':authority')[0] ?? of('host')[0] ?? '';
  if (host.toLowerCase() !== (got.host ?? '').toLowerCase()) return `host ${got.host}`;
  if (body !== got.body) return 'another body';
  const came = new Set(fields.map(([name, value]) => `${name}: ${value.trim()}`));
  came.add(`cookie: ${of('cookie').join('; ')}`);
  for (const [name, value] of got.fields) {
    if (!own.has(name.toLowerCase()) && !came.has(`${name.toLowerCase()}: ${value}`))
      return `${name}: ${value} was not sent`;
  }
  const ended = new Set(trailers.map(([name, value]) => `${name}: ${value.trim()}`));
  for (const [name, value] of got.trailers) {
    if (!ended.has(`${name.toLowerCase()}: ${value}`)) return `trailer ${name}: ${value} was not sent`;
  }
  return '';
}
