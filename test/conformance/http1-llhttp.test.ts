import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { originForm } from './http1-compare.ts';
import { mutated, seeded } from './http1-mutate.ts';
import { type ReadConnection, type ReadMessage, readConnection } from './http1-support.ts';

/** One request as Node's parser (llhttp, strict) understood it. */
interface NodeMessage {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly fields: readonly string[];
}

const byPort = new Map<number, NodeMessage[]>();
const server = http.createServer({ insecureHTTPParser: false, keepAliveTimeout: 2000 });
let port = 0;

function take(request: http.IncomingMessage, answer: http.ServerResponse | null): void {
  const parts: string[] = [];
  request.setEncoding('latin1');
  request.on('data', (part: string) => parts.push(part));
  request.on('error', () => {});
  request.on('end', () => {
    const raw = request.rawHeaders;
    const fields = Array.from({ length: raw.length / 2 }, (_, i) => `${raw[i * 2]}: ${raw[i * 2 + 1]}`);
    const { method = '', url: target = '' } = request;
    byPort.get(request.socket.remotePort!)?.push({ method, target, body: parts.join(''), fields });
    answer?.end();
  });
}

beforeAll(async () => {
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) server.on(event, take);
  server.on('connect', (request, socket) => {
    byPort
      .get((socket as net.Socket).remotePort!)
      ?.push({ method: 'CONNECT', target: request.url ?? '', body: '', fields: [] });
    socket.destroy();
  });
  server.on('clientError', (_, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as net.AddressInfo).port;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** What Node reads on a connection that has these bytes and then ends. */
async function nodeReads(bytes: Buffer): Promise<NodeMessage[]> {
  const messages: NodeMessage[] = [];
  const socket = net.connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const local = socket.localPort!;
  byPort.set(local, messages);
  socket.on('error', () => {});
  socket.resume();
  socket.end(bytes);
  if (!socket.destroyed) await once(socket, 'close');
  byPort.delete(local);
  return messages;
}

const fieldsOf = (lines: string): string[] =>
  lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(':');
      return `${line.slice(0, colon)}: ${line.slice(colon + 1).replace(/^ /, '')}`;
    });

/** Ours must be theirs, field for field; of theirs, those of the hop and of the gateway are not among ours. */
function same(ours: ReadMessage, theirs: NodeMessage): void {
  expect([ours.method, ours.target, ours.body]).toEqual([
    theirs.method,
    originForm(theirs.method, theirs.target),
    theirs.body,
  ]);
  let at = 0;
  for (const field of fieldsOf(ours.lines)) {
    at = theirs.fields.indexOf(field, at) + 1;
    expect(at, `${field} among ${theirs.fields}`).toBeGreaterThan(0);
  }
}

/** Messages that were compared as they came, and as they would be sent on. */
const compared = { raw: 0, sent: 0 };

async function compare(bytes: Buffer, ours: ReadConnection): Promise<void> {
  const raw = await nodeReads(bytes);
  for (const [i, message] of ours.messages.entries()) {
    // CONNECT ends what is compared; a body in front of it is not ours to end.
    if (raw[i] === undefined || message.method === 'CONNECT') continue;
    same(message, raw[i]);
    compared.raw++;
  }
  if (ours.complete && ours.status === 0) expect(raw.length).toBeLessThanOrEqual(ours.messages.length);
  // What is sent on is written anew: each of it is exactly one message, whatever came.
  const known = ours.messages.filter(
    (message) => http.METHODS.includes(message.method) && message.method !== 'CONNECT',
  );
  if (known.length === 0) return;
  const sent = await nodeReads(Buffer.concat(known.map((message) => message.written)));
  expect(sent.length).toBe(known.length);
  for (const [i, message] of known.entries()) {
    same(message, sent[i]!);
    compared.sent++;
    const framing = message.body === '' && !message.chunked ? 1 : 2;
    expect(sent[i]!.fields.length).toBe(fieldsOf(message.lines).length + framing);
  }
}

it('what is accepted and sent on, llhttp reads as the same messages: 2,000 mutated ones', async () => {
  const seed = Number(process.env.HTTP1_SEED ?? Math.floor(Math.random() * 2 ** 32));
  console.info(`HTTP1_SEED=${seed}`);
  const random = seeded(seed);
  let refused = 0;
  for (let n = 0; n < 2000; n += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const bytes = mutated(random);
        const ours = readConnection(bytes);
        refused += ours.status === 0 ? 0 : 1;
        try {
          await compare(bytes, ours);
        } catch (error) {
          const text = JSON.stringify(bytes.toString('latin1'));
          throw new Error(`seed ${seed}: ${text}\nours: ${JSON.stringify(ours.messages)} ${ours.problem}`, {
            cause: error,
          });
        }
      }),
    );
  }
  console.info(`refused ${refused}, compared ${compared.raw} and ${compared.sent}`);
  // Enough of both kinds that the comparison says something.
  expect(refused).toBeGreaterThan(400);
  expect(compared.raw).toBeGreaterThan(600);
  expect(compared.sent).toBeGreaterThan(800);
}, 30_000);
