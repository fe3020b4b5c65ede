import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { splitOutcome } from '../../src/metrics/call-series.ts';
import { reasons } from '../../src/metrics/catalog.ts';
import { MergedMetrics } from '../../src/metrics/merged-metrics.ts';
import { decodePlain } from '../../src/protocol/hpack/plain.ts';
import { startPlane, startRecorder, type TestPlane } from '../support/data-plane.ts';
import { block, frame, RawClient, uint32 } from '../support/raw-http2.ts';
import { startRawServer } from '../support/raw-http2-server.ts';

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: quote}
spec: {prefix: /, rewrite: "", service: "quote:80", grpc: true, timeout_ms: 0}
`;

const grpcHead: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/quote.Quote/Get'],
  [':authority', 'quote.test'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
];

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of cleanUp.splice(0).reverse()) await close();
});

function later<T extends { close(): unknown }>(thing: T): T {
  cleanUp.push(() => thing.close());
  return thing;
}

async function connect(plane: TestPlane, window?: number): Promise<RawClient> {
  return later(await RawClient.connect(plane.port, window === undefined ? {} : { window }));
}

function call(
  client: RawClient,
  stream: number,
  extra: readonly (readonly [string, string])[] = [],
  fin = true,
): void {
  client.send(frame(1, fin ? 5 : 4, stream, block([...grpcHead, ...extra])));
}

function field(client: RawClient, stream: number, name: string, n = 0): string | undefined {
  return client.head(stream, n)?.find((f) => f.name === name)?.value;
}

/** Outcomes of all series as `code/grpc/reason` → count. */
function outcomes(plane: TestPlane): Record<string, number> {
  const all: Record<string, number> = {};
  const merged = new MergedMetrics(1000);
  const report = plane.metrics.report(true);
  if (report !== null) merged.apply(1, report);
  for (const series of merged.totals()) {
    for (const [key, count] of series.outcomes) {
      const { code, grpcStatus, reason } = splitOutcome(key);
      const name = `${code}/${grpcStatus}/${reasons[reason]}`;
      all[name] = (all[name] ?? 0) + count;
    }
  }
  return all;
}

const okHead = block([
  [':status', '200'],
  ['content-type', 'application/grpc'],
]);
const okTrailers = block([['grpc-status', '0']]);

describe('an answer before the request has ended (reports.md 8)', () => {
  it.each([
    ['0', okTrailers],
    [
      '8',
      block([
        ['grpc-status', '8'],
        ['grpc-status-details-bin', 'CAgSBGZ1bGw'],
      ]),
    ],
  ])(
    'is delivered whole to a slow client, with status %s, and RST_STREAM NO_ERROR behind it',
    async (status, trailers) => {
      const message = Buffer.concat([Buffer.from([0, 0, 0, 0x0f, 0xfb]), Buffer.alloc(4091)]);
      const server = later(
        await startRawServer({
          onHead: (peer, stream) => {
            peer.send(frame(1, 4, stream, okHead));
            for (let n = 0; n < 50; n++) peer.send(frame(0, 0, stream, message));
            peer.send(frame(1, 5, stream, trailers));
            peer.send(frame(3, 0, stream, uint32(0)));
          },
        }),
      );
      const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
      const client = await connect(plane);
      call(client, 1, [], false);
      client.send(frame(0, 0, 1, Buffer.from([0, 0, 0, 0, 0])));
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(client.reset(1)).toBe(null);
      expect(client.ended(1)).toBe(false);
      client.send(Buffer.concat([frame(8, 0, 0, uint32(1 << 20)), frame(8, 0, 1, uint32(1 << 20))]));
      expect(await client.until(() => client.reset(1) !== null)).toBe(true);
      expect(client.body(1).length).toBe(50 * message.length);
      expect(field(client, 1, 'grpc-status', 1)).toBe(status);
      const order = client.of(1).map((f) => f.type);
      expect(order.at(-1)).toBe(3);
      expect(client.reset(1)).toBe(0);
      expect(outcomes(plane)).toEqual({ [`200/${status}/none`]: 1 });
    },
  );
});

describe('grpc-timeout (reports.md 9)', () => {
  it.each([
    ['99999999H', null],
    ['99999999n', 100],
    ['1u', 1],
    ['0m', 1],
    ['100m', 100],
    ['100000000S', null],
    ['-1S', null],
    ['5', null],
    ['5 S', null],
    ['5x', null],
  ])('%s', async (value, cutAfterMs) => {
    const recorder = later(
      await startRecorder((stream) => {
        stream.on('error', () => {});
        setTimeout(() => {
          if (stream.destroyed) return;
          stream.respond(
            { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' },
            { endStream: true },
          );
        }, 250);
      }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [recorder.port] }));
    const client = await connect(plane);
    const begin = performance.now();
    call(client, 1, [['grpc-timeout', value]]);
    await client.until(() => client.ended(1));
    const took = performance.now() - begin;
    expect(field(client, 1, 'grpc-status')).toBe(cutAfterMs === null ? '0' : '4');
    if (cutAfterMs !== null) {
      expect(took).toBeGreaterThan(cutAfterMs - 1);
      expect(took).toBeLessThan(cutAfterMs + 140);
      expect(outcomes(plane)).toEqual({ '200/4/timeout': 1 });
      expect(field(client, 1, 'x-serin-reason')).toBe('timeout');
    }
  });

  it('is passed on as it came, also when it means nothing', async () => {
    const recorder = later(await startRecorder());
    const plane = later(await startPlane(manifest, { 'quote:80': [recorder.port] }));
    const client = await connect(plane);
    call(client, 1, [['grpc-timeout', '5x']]);
    await client.until(() => client.ended(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(recorder.requests[0]!.headers['grpc-timeout']).toBe('5x');
  });
});

describe('a trailers-only answer (reports.md 10)', () => {
  it('arrives as one HEADERS frame with all its fields', async () => {
    const fields: readonly (readonly [string, string])[] = [
      [':status', '200'],
      ['content-type', 'application/grpc'],
      ['grpc-status', '9'],
      ['grpc-message', 'no%20stock'],
      ['grpc-status-details-bin', 'CAkSCG5vIHN0b2Nr'],
      ['x-reason-bin', 'AAEC'],
      ['x-reason-bin', 'Aw'],
    ];
    const server = later(
      await startRawServer({ onHead: (peer, id) => peer.send(frame(1, 5, id, block(fields))) }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
    const client = await connect(plane);
    call(client, 1);
    await client.until(() => client.ended(1));
    expect(client.of(1).map((f) => [f.type, f.flags])).toEqual([[1, 5]]);
    expect(client.head(1)!.map((f) => [f.name, f.value])).toEqual(fields);
    expect(outcomes(plane)).toEqual({ '200/9/none': 1 });
  });
});

describe('the peer’s limit of streams (reports.md 11)', () => {
  it('is kept by a burst on a fresh connection: 500 calls, 20 streams, SETTINGS after 100 ms', async () => {
    let refused = 0;
    const open = new Map<object, number>();
    const server = later(
      await startRawServer({
        settings: Buffer.concat([Buffer.from([0, 3]), uint32(20)]),
        settingsAfterMs: 100,
        onHead: (peer, stream) => {
          const now = (open.get(peer) ?? 0) + 1;
          if (now > 20) {
            refused++;
            peer.send(frame(3, 0, stream, uint32(7)));
            return;
          }
          open.set(peer, now);
          setTimeout(() => {
            open.set(peer, open.get(peer)! - 1);
            peer.send(Buffer.concat([frame(1, 4, stream, okHead), frame(1, 5, stream, okTrailers)]));
          }, 5);
        },
      }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
    const client = await connect(plane);
    for (let n = 0; n < 500; n++) call(client, 1 + 2 * n);
    await client.until(() => client.ended(999), 10_000);
    await client.until(() => outcomes(plane)['200/0/none'] === 500);
    expect(outcomes(plane)).toEqual({ '200/0/none': 500 });
    expect(refused).toBe(0);
  });

  it('sends a refused call again (POST too), with its body', async () => {
    let refusals = 0;
    const refusers = new Set<object>();
    const bodies: Buffer[] = [];
    const server = later(
      await startRawServer({
        onHead: () => {},
        onFrame: (peer, one) => {
          if (one.type !== 0) return;
          if (refusals < 2) {
            refusals++;
            refusers.add(peer);
            peer.send(frame(3, 0, one.stream, uint32(7)));
            return;
          }
          bodies.push(one.payload);
          peer.send(Buffer.concat([frame(1, 4, one.stream, okHead), frame(1, 5, one.stream, okTrailers)]));
        },
      }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
    const client = await connect(plane);
    call(client, 1, [], false);
    client.send(frame(0, 1, 1, Buffer.from([0, 0, 0, 0, 2, 8, 1])));
    await client.until(() => client.ended(1));
    expect(refusals).toBe(2);
    // Each time over another connection: the refusal is about the connection.
    expect(refusers.size).toBe(2);
    expect(server.peers.length).toBe(3);
    expect(bodies).toEqual([Buffer.from([0, 0, 0, 0, 2, 8, 1])]);
    expect(outcomes(plane)).toEqual({ '200/0/none': 1 });
  });

  it('gives up after three tries with 14 and the reason', async () => {
    const server = later(
      await startRawServer({ onHead: (peer, id) => peer.send(frame(3, 0, id, uint32(7))) }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
    const client = await connect(plane);
    call(client, 1);
    await client.until(() => client.ended(1));
    expect(field(client, 1, 'grpc-status')).toBe('14');
    expect(outcomes(plane)).toEqual({ '200/14/refused': 1 });
  });

  it('sends calls above a GOAWAY’s last stream again, and lets the others finish', async () => {
    let connections = 0;
    const server = later(
      await startRawServer({
        onHead: (peer, stream) => {
          if (stream === 1) connections++;
          const first = connections === 1;
          if (first && stream === 3) peer.send(frame(7, 0, 0, Buffer.concat([uint32(1), uint32(0)])));
          if (first && stream > 1) return;
          setTimeout(
            () => peer.send(Buffer.concat([frame(1, 4, stream, okHead), frame(1, 5, stream, okTrailers)])),
            50,
          );
        },
      }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
    const client = await connect(plane);
    call(client, 1);
    call(client, 3);
    call(client, 5);
    await client.until(() => client.ended(1) && client.ended(3) && client.ended(5));
    await client.until(() => outcomes(plane)['200/0/none'] === 3);
    expect(outcomes(plane)).toEqual({ '200/0/none': 3 });
    expect(connections).toBe(2);
  });
});

describe('endpoints that cannot be reached', () => {
  it('are passed over: no call fails, and the dead one rests', async () => {
    const dead = await startRecorder();
    dead.close();
    const recorder = later(await startRecorder());
    const plane = later(await startPlane(manifest, { 'quote:80': [dead.port, recorder.port] }));
    const client = await connect(plane);
    for (let n = 0; n < 40; n++) client.get(1 + 2 * n, '/x');
    await client.until(() => client.ended(79));
    expect(client.frames.filter((f) => f.type === 1).map((f) => client.status(f.stream))).toEqual(
      new Array(40).fill('200'),
    );
    expect(plane.counter('UPSTREAM_FAILED')).toBe(1);
  });

  it('hold up nobody when they accept and then say nothing', async () => {
    const silent = net.createServer();
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    cleanUp.push(() => silent.close());
    const recorder = later(await startRecorder());
    const ports = [(silent.address() as AddressInfo).port, recorder.port];
    const plane = later(await startPlane(manifest, { 'quote:80': ports }));
    const client = await connect(plane);
    for (let n = 0; n < 40; n++) client.get(1 + 2 * n, '/x');
    expect(await client.until(() => [...Array(40).keys()].every((n) => client.ended(1 + 2 * n)), 1500)).toBe(
      true,
    );
    const statuses = [...Array(40).keys()].map((n) => client.status(1 + 2 * n));
    expect(statuses).toEqual(new Array(40).fill('200'));
  });

  it('answer 14 that names the service when all are dead', async () => {
    const dead = await startRecorder();
    dead.close();
    const plane = later(await startPlane(manifest, { 'quote:80': [dead.port] }));
    const client = await connect(plane);
    call(client, 1);
    await client.until(() => client.ended(1));
    expect(field(client, 1, 'grpc-status')).toBe('14');
    expect(field(client, 1, 'grpc-message')).toContain('quote.default:80');
    expect(outcomes(plane)).toEqual({ '200/14/connect_failed': 1 });
  });

  it('are found again when they are back', async () => {
    const first = await startRecorder();
    const plane = later(await startPlane(manifest, { 'quote:80': [first.port] }));
    const client = await connect(plane);
    client.get(1, '/x');
    await client.until(() => client.ended(1));
    first.close();
    await client.until(() => plane.counter('UPSTREAM_CLOSED') === 1);
    client.get(3, '/x');
    await client.until(() => client.ended(3));
    expect(client.status(3)).toBe('503');
    later(await startRecorder(undefined, {}, first.port));
    client.get(5, '/x');
    await client.until(() => client.ended(5));
    expect(client.status(5)).toBe('200');
  });
});

describe('no route', () => {
  const one = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: quote}
spec: {host: quote.test, prefix: /q/, rewrite: "", service: "quote:80", grpc: true}
`;

  it('is 12 for gRPC and 404 for others, with host and path, and a hint when only the port is to blame', async () => {
    const recorder = later(await startRecorder());
    const plane = later(await startPlane(one, { 'quote:80': [recorder.port] }));
    const client = await connect(plane);
    call(client, 1);
    await client.until(() => client.ended(1));
    expect(field(client, 1, 'grpc-status')).toBe('12');
    expect(decodeURIComponent(field(client, 1, 'grpc-message')!)).toBe(
      'no route for host quote.test and path /quote.Quote/Get',
    );
    const fields: readonly (readonly [string, string])[] = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/q/1'],
      [':authority', 'quote.test:8080'],
    ];
    client.send(frame(1, 5, 3, block(fields)));
    await client.until(() => client.ended(3));
    expect(client.status(3)).toBe('404');
    expect(client.body(3).toString()).toContain('host quote.test without the port has one');
  });
});

describe('a client that speaks something else', () => {
  it('gets GOAWAY with PROTOCOL_ERROR, and counts as one; it may not linger', async () => {
    const plane = later(await startPlane(manifest, { 'quote:80': [1] }));
    const socket = net.connect({ port: plane.port, host: '127.0.0.1', allowHalfOpen: true });
    const answer: Buffer[] = [];
    socket.on('data', (data) => answer.push(data));
    socket.on('error', () => {});
    socket.write('PRI * HTTP/2.0\r\n\r\nXX');
    await expect.poll(() => Buffer.concat(answer).length).toBe(34);
    const frame = Buffer.concat(answer);
    expect([frame[3], frame.readUInt32BE(9), frame.readUInt32BE(13)]).toEqual([7, 0, 1]);
    expect(frame.toString('latin1', 17)).toBe('no HTTP/2 preface');
    expect(plane.counter('PROTOCOL_ERRORS_DOWNSTREAM')).toBe(1);
    await expect.poll(() => plane.plane.connections, { timeout: 3000 }).toBe(0);
    expect(plane.hits('preface_timeout')).toBe(0);
    socket.destroy();
  });
});

describe('cancellation', () => {
  it('goes to the upstream, and is counted as the client’s', async () => {
    let reset: number | null = null;
    const server = later(
      await startRawServer({
        onHead: (peer, id) => peer.send(frame(1, 4, id, okHead)),
        onFrame: (_peer, one) => {
          if (one.type === 3) reset = one.payload.readUInt32BE(0);
        },
      }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
    const client = await connect(plane);
    call(client, 1);
    await client.until(() => client.of(1, 1).length > 0);
    client.send(frame(3, 0, 1, uint32(8)));
    await client.until(() => reset !== null);
    expect(reset).toBe(8);
    expect(outcomes(plane)).toEqual({ '200/1/cancelled': 1 });
  });

  it('of the upstream goes to the client with its code', async () => {
    const server = later(
      await startRawServer({
        onHead: (peer, id) => peer.send(Buffer.concat([frame(1, 4, id, okHead), frame(3, 0, id, uint32(2))])),
      }),
    );
    const plane = later(
      await startPlane(manifest.replace('grpc: true', 'grpc: true'), { 'quote:80': [server.port] }),
    );
    const client = await connect(plane);
    call(client, 1);
    await client.until(() => client.ended(1) || client.reset(1) !== null);
    expect(field(client, 1, 'grpc-status', 1)).toBe('14');
    expect(outcomes(plane)).toEqual({ '200/14/upstream_reset': 1 });
  });
});

describe('what is sent upstream', () => {
  it('has the gateway’s own forwarding fields and id, not the client’s', async () => {
    const recorder = later(await startRecorder());
    const plane = later(await startPlane(manifest, { 'quote:80': [recorder.port] }));
    const client = await connect(plane);
    client.get(1, '/x', [
      ['x-request-id', 'mine'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-for', '9.9.9.9'],
      ['x-envoy-internal', 'true'],
      ['x-forwarded-client-cert', 'By=me'],
      ['x-app', 'kept'],
    ]);
    await client.until(() => client.ended(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { headers } = recorder.requests[0]!;
    expect(headers['x-request-id']).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(headers['x-forwarded-proto']).toBe('http');
    expect(headers['x-forwarded-for']).toBe('9.9.9.9, 127.0.0.1');
    expect(headers['x-envoy-internal']).toBeUndefined();
    expect(headers['x-forwarded-client-cert']).toBeUndefined();
    expect(headers['x-app']).toBe('kept');
  });

  it('keeps a path byte for byte behind its rewritten prefix (reports.md 14)', async () => {
    const recorder = later(await startRecorder());
    const files = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: files}
spec: {prefix: /files/, rewrite: /, service: "quote:80", grpc: true}
`;
    const plane = later(await startPlane(files, { 'quote:80': [recorder.port] }));
    const client = await connect(plane);
    const tails = [
      'a%2Fb',
      'a%252Fb',
      'a;v=1,2/b',
      '%E6%97%A5',
      'a+b%20c',
      '/x',
      '?',
      'x?u=http%3A%2F%2Fy%2Fz&e=%zz',
    ];
    for (const [n, tail] of tails.entries()) {
      client.get(1 + 2 * n, `/files/${tail}`);
      await client.until(() => client.ended(1 + 2 * n));
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(recorder.requests.map((r) => r.path)).toEqual(tails.map((tail) => `/${tail}`));
    client.get(101, '/files/x/%2e%2e/y');
    await client.until(() => client.ended(101));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(recorder.requests.at(-1)!.path).toBe('/y');
  });

  it('carries never-indexed marks on (RFC 7541 6.2.3), and repeats long values by index only', async () => {
    const blocks: Buffer[] = [];
    const server = later(
      await startRawServer({
        onHead: (peer, id) =>
          peer.send(Buffer.concat([frame(1, 4, id, okHead), frame(1, 5, id, okTrailers)])),
        onFrame: (_peer, one) => {
          if (one.type === 1) blocks.push(one.payload);
        },
      }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
    const client = await connect(plane);
    // A literal that is never indexed, with a new name.
    const secret = Buffer.concat([
      Buffer.from([0x10, 8]),
      Buffer.from('x-secret'),
      Buffer.from([60]),
      Buffer.alloc(60, 0x7a),
    ]);
    const token = block([['authorization', `Bearer ${'t'.repeat(200)}`]]);
    for (let n = 0; n < 4; n++) {
      client.send(frame(1, 5, 1 + 2 * n, Buffer.concat([block(grpcHead), token, secret])));
      await client.until(() => client.ended(1 + 2 * n));
    }
    for (const sent of blocks) expect(sent.includes(secret)).toBe(true);
    // First sighting: plain. Second: a literal that makes the entry. From the third on: an index.
    expect(blocks[0]!.includes(token.subarray(2))).toBe(true);
    expect(blocks[1]!.includes(token.subarray(2))).toBe(true);
    expect(blocks[2]!.includes(token.subarray(2))).toBe(false);
    expect(blocks[3]!.length).toBeLessThan(blocks[0]!.length - 100);
  });
});

describe('keep-alive pings to upstreams', () => {
  it('go out while a call runs, and not without one', async () => {
    let pings = 0;
    const server = later(
      await startRawServer({
        onHead: (peer, id) => peer.send(frame(1, 4, id, okHead)),
        onFrame: (_peer, one) => {
          if (one.type === 6 && one.flags === 0) pings++;
        },
      }),
    );
    const plane = later(
      await startPlane(manifest, { 'quote:80': [server.port] }, { pool: { keepAliveMs: 500 } }),
    );
    const client = await connect(plane);
    call(client, 1);
    await client.until(() => pings >= 2, 4000);
    expect(pings).toBeGreaterThanOrEqual(2);
    client.send(frame(3, 0, 1, uint32(8)));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = pings;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(pings).toBe(before);
  });

  it('are none by default', async () => {
    const server = later(await startRawServer({ onHead: (peer, id) => peer.send(frame(1, 4, id, okHead)) }));
    const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
    const client = await connect(plane);
    call(client, 1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(server.peers[0]!.frames.filter((f) => f.type === 6)).toEqual([]);
  });
});

describe('a large head', () => {
  it('goes through in several frames, both ways', async () => {
    const value = 'v'.repeat(9000);
    const recorder = later(
      await startRecorder((stream, headers) => {
        stream.resume();
        stream.respond({
          ':status': 200,
          'x-a': String(headers['x-a']),
          'x-b': String(headers['x-b']),
          'x-c': String(headers['x-c']),
        });
        stream.end('ok');
      }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [recorder.port] }));
    const client = await connect(plane);
    const head = block([...grpcHead, ['x-a', `a${value}`], ['x-b', `b${value}`], ['x-c', `c${value}`]]);
    client.send(
      Buffer.concat([frame(1, 1, 1, head.subarray(0, 16_000)), frame(9, 4, 1, head.subarray(16_000))]),
    );
    await client.until(() => client.ended(1));
    const answer = Buffer.concat(
      client
        .of(1)
        .filter((f) => f.type === 1 || f.type === 9)
        .map((f) => f.payload),
    );
    const fields = decodePlain(answer, answer[0] === 0x20 ? 1 : 0, answer.length);
    expect(fields.find((f) => f.name === 'x-b')?.value).toBe(`b${value}`);
    expect(client.body(1).toString()).toBe('ok');
  });
});

describe('the end of a connection', () => {
  it('is graceful: GOAWAY, running calls finish, then it closes', async () => {
    let answer: () => void = () => {};
    const server = later(
      await startRawServer({
        onHead: (peer, id) => {
          answer = () => peer.send(Buffer.concat([frame(1, 4, id, okHead), frame(1, 5, id, okTrailers)]));
        },
      }),
    );
    const plane = later(await startPlane(manifest, { 'quote:80': [server.port] }));
    const client = await connect(plane);
    call(client, 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const drained = plane.plane.drain();
    await client.until(() => client.frames.filter((f) => f.type === 7).length === 2);
    const last = client.frames.filter((f) => f.type === 7).map((f) => f.payload.readUInt32BE(0));
    expect(last).toEqual([0x7fffffff, 1]);
    answer();
    await client.until(() => client.closed);
    await drained;
    expect(field(client, 1, 'grpc-status', 1)).toBe('0');
  });
});
