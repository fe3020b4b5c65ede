import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LimitName } from '../../src/metrics/catalog.ts';
import { type Limits, limitTable } from '../../src/proxy/limits.ts';
import { makeCertificate } from '../support/certificates.ts';
import { type Recorder, startPlane, startRecorder, type TestPlane } from '../support/data-plane.ts';
import { block, frame, RawClient, uint32 } from '../support/raw-http2.ts';

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: quote}
spec: {prefix: /, rewrite: "", service: "quote:80", grpc: true, timeout_ms: 0}
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: nowhere}
spec: {prefix: /nowhere, rewrite: "", service: "nowhere:80", grpc: true, timeout_ms: 0}
`;

const certificate = makeCertificate({ subject: 'test' });

/** With it the port takes TLS, too. */
const withTls = `---
apiVersion: v1
kind: Secret
metadata: {name: test}
stringData: ${JSON.stringify({ 'tls.crt': certificate.certificate, 'tls.key': certificate.privateKey })}
---
apiVersion: getambassador.io/v2
kind: TLSContext
metadata: {name: test}
spec: {hosts: ["*"], secret: test}
`;

const enhanceYourCalm = 11;

/** What a limit is set to for its test, how it is exceeded, and what the client then sees. */
interface Walk {
  /** Manifests beside those of all. */
  readonly manifest?: string;
  readonly limits?: Partial<Limits>;
  exceed(plane: TestPlane): Promise<RawClient>;
  seen(client: RawClient): Promise<void>;
}

async function calmed(client: RawClient): Promise<void> {
  await client.until(() => client.goaway() !== null);
  expect(client.goaway()).toBe(enhanceYourCalm);
  expect(await client.until(() => client.closed, 3000)).toBe(true);
}

async function endedInPeace(client: RawClient): Promise<void> {
  expect(await client.until(() => client.closed, 5000)).toBe(true);
}

/** A connection that sends the same bytes until it is ended. */
function flood(bytes: (n: number) => Buffer, times: number): Walk['exceed'] {
  return async (plane) => {
    const client = await RawClient.connect(plane.port);
    for (let n = 0; n < times && !client.closed; n++) client.send(bytes(n));
    return client;
  };
}

const head: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/x'],
  [':authority', 'quote.test'],
];

function post(n: number): Buffer {
  return frame(1, 4, 1 + 2 * n, block(head));
}

/** Every limit of the table; a missing one does not compile. */
const walks: { readonly [K in LimitName]: Walk } = {
  header_list_bytes: {
    exceed: flood((n) => (n === 0 ? longHead('x'.repeat(9000), 8) : Buffer.alloc(0)), 1),
    seen: async (client) => {
      await client.until(() => client.ended(1));
      expect(client.status(1)).toBe('431');
    },
  },
  header_fields: {
    exceed: flood((n) => (n === 0 ? longHead('x', 300) : Buffer.alloc(0)), 1),
    seen: async (client) => {
      await client.until(() => client.ended(1));
      expect(client.status(1)).toBe('431');
    },
  },
  hpack_work: {
    // One entry of 4 KiB in the table, and then a byte for each time that it is said again.
    exceed: flood((n) => {
      if (n > 0) return Buffer.alloc(0);
      const entry = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0x81, 0x1e]), Buffer.alloc(4000, 0x62)]);
      return frame(1, 5, 1, Buffer.concat([block(head), entry, Buffer.alloc(8000, 0xbe)]));
    }, 1),
    seen: calmed,
  },
  continuation_frames: {
    exceed: flood((n) => (n === 0 ? frame(1, 0, 1, block(head)) : frame(9, 0, 1, Buffer.from([0x82]))), 100),
    seen: calmed,
  },
  concurrent_streams: {
    limits: { concurrent_streams: 4 },
    exceed: flood(post, 5),
    seen: async (client) => {
      await client.until(() => client.reset(9) !== null);
      expect(client.reset(9)).toBe(7);
      expect(client.reset(1)).toBe(null);
    },
  },
  resets_per_second: {
    limits: { resets_per_second: 10 },
    exceed: flood((n) => Buffer.concat([post(n), frame(3, 0, 1 + 2 * n, uint32(8))]), 200),
    seen: calmed,
  },
  empty_frames: {
    limits: { empty_frames: 10 },
    exceed: flood((n) => (n === 0 ? post(0) : frame(0, 0, 1)), 200),
    seen: calmed,
  },
  ping_flood: {
    limits: { ping_flood: 10 },
    exceed: flood(() => frame(6, 0, 0, Buffer.alloc(8)), 200),
    seen: calmed,
  },
  settings_flood: { exceed: flood(() => frame(4, 0, 0), 200), seen: calmed },
  window_update_flood: {
    limits: { window_update_flood: 10 },
    exceed: flood(() => frame(8, 0, 0, uint32(1)), 200),
    seen: calmed,
  },
  priority_flood: {
    limits: { priority_flood: 10 },
    exceed: flood(() => frame(2, 0, 3, Buffer.from([0, 0, 0, 0, 1])), 200),
    seen: calmed,
  },
  idle_timeout: {
    limits: { idle_timeout: 100 },
    exceed: flood(() => Buffer.alloc(0), 1),
    seen: endedInPeace,
  },
  stalled_connection: {
    limits: { stalled_connection: 100 },
    // A header block that is begun and not gone on with.
    exceed: flood(() => frame(1, 0, 1, block(head)), 1),
    seen: endedInPeace,
  },
  preface_timeout: {
    limits: { preface_timeout: 100 },
    exceed: async (plane) => RawClient.connect(plane.port, { greet: false }),
    seen: endedInPeace,
  },
  held_calls: {
    limits: { held_calls: 3 },
    exceed: flood(
      (n) => frame(1, 5, 1 + 2 * n, block(head.map(([k, v]) => [k, v === '/x' ? '/nowhere' : v]))),
      4,
    ),
    seen: async (client) => {
      await client.until(() => client.ended(7));
      expect(client.status(7)).toBe('503');
      expect(client.ended(5)).toBe(false);
    },
  },
  queued_bytes: {
    limits: { queued_bytes: 100_000 },
    exceed: async (plane) => {
      const client = await RawClient.connect(plane.port, { window: 0 });
      for (let n = 0; n < 8; n++) client.get(1 + 2 * n, '/large');
      return client;
    },
    seen: async (client) => {
      await client.until(() => client.frames.some((f) => f.type === 3));
      expect(client.frames.find((f) => f.type === 3)!.payload.readUInt32BE(0)).toBe(enhanceYourCalm);
    },
  },
  connections: {
    limits: { connections: 2 },
    exceed: async (plane) => {
      const first = await RawClient.connect(plane.port);
      const second = net.connect(plane.port, '127.0.0.1');
      await new Promise((resolve) => second.once('connect', resolve));
      const third = await RawClient.connect(plane.port, { greet: false });
      await third.until(() => third.closed);
      second.destroy();
      first.close();
      while (plane.plane.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return third;
    },
    seen: endedInPeace,
  },
  target_bytes: {
    exceed: (plane) => http1(plane, `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: quote.test\r\n\r\n`),
    seen: told('414'),
  },
  head_timeout: {
    limits: { head_timeout: 100 },
    exceed: (plane) => http1(plane, 'GET / HTTP/1.1\r\nHost: quo'),
    seen: told('408'),
  },
  tls_handshake_timeout: {
    manifest: withTls,
    limits: { tls_handshake_timeout: 100 },
    // A ClientHello that is begun and not gone on with.
    exceed: async (plane) => {
      const client = await RawClient.connect(plane.port, { greet: false });
      client.send(Buffer.of(22, 3, 1, 2, 0, 1, 0));
      return client;
    },
    seen: endedInPeace,
  },
  body_bytes: {
    limits: { body_bytes: 100 },
    // Nothing says how long it will be, until it is too long.
    exceed: (plane) =>
      http1(
        plane,
        `${upload}Transfer-Encoding: chunked\r\n\r\n40\r\n${'x'.repeat(64)}\r\n40\r\n${'x'.repeat(64)}\r\n`,
      ),
    seen: told('413'),
  },
  body_timeout: {
    limits: { body_timeout: 100 },
    exceed: (plane) => http1(plane, `${upload}Content-Length: 5\r\n\r\nx`),
    seen: told('408'),
  },
  stream_idle_timeout: {
    limits: { stream_idle_timeout: 100 },
    exceed: (plane) => http1(plane, 'GET /silent HTTP/1.1\r\nHost: quote.test\r\nConnection: close\r\n\r\n'),
    seen: told('504'),
  },
  requests_per_connection: {
    limits: { requests_per_connection: 2 },
    exceed: async (plane) => {
      const client = await RawClient.connect(plane.port);
      for (const id of [1, 3]) {
        client.get(id, '/neighbour');
        await client.until(() => client.ended(id));
      }
      return client;
    },
    seen: async (client) => {
      expect([client.status(1), client.status(3)]).toEqual(['200', '200']);
      await client.until(() => client.goaway() !== null);
      expect(client.goaway()).toBe(0);
    },
  },
  connections_per_source: {
    limits: { connections_per_source: 2 },
    exceed: async (plane) => {
      const first = await RawClient.connect(plane.port);
      const second = await RawClient.connect(plane.port, { greet: false });
      const third = await RawClient.connect(plane.port, { greet: false });
      await third.until(() => third.closed);
      second.close();
      first.close();
      while (plane.plane.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return third;
    },
    seen: endedInPeace,
  },
  compressions: {
    manifest: `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: page}
spec: {prefix: /page, rewrite: "", service: "quote:80", grpc: true, add_response_headers: {content-type: text/plain}}
---
apiVersion: getambassador.io/v2
kind: Module
metadata: {name: ambassador}
spec: {config: {gzip: {min_content_length: 0}}}
`,
    limits: { compressions: 0 },
    exceed: async (plane) => {
      const client = await RawClient.connect(plane.port);
      client.get(1, '/page', [['accept-encoding', 'gzip']]);
      return client;
    },
    // It is answered, as it is.
    seen: async (client) => {
      await client.until(() => client.ended(1));
      expect([client.status(1), String(client.body(1))]).toEqual(['200', 'ok']);
      expect(client.head(1)!.some(({ name }) => name === 'content-encoding')).toBe(false);
      expect(client.head(1)!.some(({ name }) => name === 'vary')).toBe(true);
    },
  },
};

const upload = 'POST / HTTP/1.1\r\nHost: quote.test\r\nConnection: close\r\n';

async function http1(plane: TestPlane, text: string): Promise<RawClient> {
  const client = await RawClient.connect(plane.port, { greet: false });
  client.socket.removeAllListeners('data');
  client.socket.on('data', (data) => {
    answers.set(client, (answers.get(client) ?? '') + data.toString('latin1'));
  });
  client.send(Buffer.from(text, 'latin1'));
  return client;
}

/** What HTTP/1.1 clients were answered. */
const answers = new WeakMap<RawClient, string>();

function told(status: string): Walk['seen'] {
  return async (client) => {
    await endedInPeace(client);
    expect(answers.get(client)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*connection: close\\r\\n`, 's'));
  };
}

function longHead(value: string, fields: number): Buffer {
  const bytes = block([...head, ...Array.from({ length: fields }, (_, n) => [`x-${n}`, value] as const)]);
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 16_384) {
    const end = at + 16_384 >= bytes.length;
    const flags = (at === 0 ? 1 : 0) | (end ? 4 : 0);
    frames.push(frame(at === 0 ? 1 : 9, flags, 1, bytes.subarray(at, at + 16_384)));
  }
  return Buffer.concat(frames);
}

async function neighbourIsServed(plane: TestPlane): Promise<void> {
  const neighbour = await RawClient.connect(plane.port);
  neighbour.get(1, '/neighbour');
  expect(await neighbour.until(() => neighbour.ended(1), 2000)).toBe(true);
  expect(neighbour.status(1)).toBe('200');
  neighbour.close();
}

describe('the table of limits', () => {
  let recorder: Recorder;

  beforeAll(async () => {
    recorder = await startRecorder((stream, headers) => {
      if (headers[':path'] === '/silent') return;
      if (headers[':path'] === '/large') {
        stream.respond({ ':status': 200 });
        stream.end(Buffer.alloc(200_000));
        return;
      }
      stream.on('end', () => {
        if (stream.destroyed || stream.aborted) return;
        stream.respond({ ':status': 200 });
        stream.end('ok');
      });
      stream.resume();
    });
  });

  afterAll(() => recorder.close());

  it.each(Object.keys(limitTable) as LimitName[])('%s', async (name) => {
    const walk = walks[name];
    const plane = await startPlane(
      manifest + (walk.manifest ?? ''),
      { 'quote:80': [recorder.port] },
      { limits: walk.limits ?? {} },
    );
    try {
      expect(plane.hits(name)).toBe(0);
      const client = await walk.exceed(plane);
      await walk.seen(client);
      expect(plane.hits(name)).toBeGreaterThan(0);
      await neighbourIsServed(plane);
      client.close();
    } finally {
      await plane.close();
    }
  });
});
