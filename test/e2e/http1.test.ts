import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Recorder, startPlane, startRecorder, type TestPlane } from '../support/data-plane.ts';
import { RawHttp1 } from '../support/raw-http1.ts';

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /, rewrite: "", service: "web:80", timeout_ms: 0}
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: rpc}
spec: {prefix: /rpc/, rewrite: "", service: "rpc:80", grpc: true, timeout_ms: 0}
`;

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

let handler: Handler;
let connections = 0;
const web = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) =>
  handler(request, response),
);
web.on('checkContinue', (request, response) => handler(request, response));
web.on('connection', () => connections++);
let recorder: Recorder;
let plane: TestPlane;

beforeAll(async () => {
  await new Promise<void>((done) => web.listen(0, '127.0.0.1', done));
  recorder = await startRecorder();
  plane = await startPlane(manifest, {
    'web:80': [(web.address() as AddressInfo).port],
    'rpc:80': [recorder.port],
  });
});

afterAll(async () => {
  await plane.close();
  recorder.close();
  web.closeAllConnections();
  web.close();
});

const open: RawHttp1[] = [];
afterEach(() => {
  for (const client of open.splice(0)) client.destroy();
});

async function connect(): Promise<RawHttp1> {
  const client = await RawHttp1.connect(plane.port);
  open.push(client);
  return client;
}

/** Answers with what the request was. */
const echo: Handler = (request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    const body = Buffer.concat(pieces);
    const { method, url, rawHeaders, rawTrailers } = request;
    const text = JSON.stringify({ method, url, rawHeaders, rawTrailers, body: body.toString('latin1') });
    response.setHeader('content-length', Buffer.byteLength(text));
    response.end(text);
  });
};

interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: string[];
  readonly rawTrailers: string[];
  readonly body: string;
}

const pairs = (raw: readonly string[]): string[] =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${raw[i + 1]}`] : []));

describe('HTTP/1.1 to HTTP/1.1', () => {
  it('brings a request as it is, with framing, hop and forwarding fields written anew', async () => {
    handler = echo;
    const client = await connect();
    client.send(
      'POST /a/b?c=d HTTP/1.1\r\nHost: quote.test\r\nX-Mixed-Case: 1\r\nConnection: x-hop, keep-alive\r\nX-Hop: 1\r\n' +
        'X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: ftp\r\nContent-Length: 5\r\n\r\nhello',
    );
    const answer = await client.answer();
    expect(answer.status).toBe(200);
    const seen = JSON.parse(answer.body.toString()) as Echoed;
    expect(seen).toMatchObject({ method: 'POST', url: '/a/b?c=d', body: 'hello' });
    const fields = pairs(seen.rawHeaders);
    expect(fields).toEqual([
      'Host: quote.test',
      'X-Mixed-Case: 1',
      expect.stringMatching(/^x-request-id: [0-9a-f-]{36}$/),
      'x-forwarded-for: 10.0.0.1, 127.0.0.1',
      'x-forwarded-proto: http',
      'content-length: 5',
    ]);
  });

  it('keeps connections on both sides, whatever the bodies', async () => {
    handler = echo;
    const client = await connect();
    const before = connections;
    for (let n = 0; n < 10; n++) {
      client.send(
        `POST /${n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n`,
      );
      const seen = JSON.parse((await client.answer()).body.toString()) as Echoed;
      expect(seen).toMatchObject({ url: `/${n}`, body: 'abcdefg' });
    }
    expect(connections - before).toBeLessThanOrEqual(1);
  });

  it('answers pipelined requests in their order', async () => {
    handler = (request, response) => {
      setTimeout(() => echo(request, response), request.url === '/0' ? 50 : 0);
    };
    const client = await connect();
    let text = '';
    for (let n = 0; n < 20; n++) {
      text +=
        n % 2 === 0
          ? `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`
          : `POST /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc`;
    }
    client.send(text);
    for (let n = 0; n < 20; n++) {
      const seen = JSON.parse((await client.answer()).body.toString()) as Echoed;
      expect(seen.url).toBe(`/${n}`);
    }
  });

  it('passes chunked answers and trailers on, both ways', async () => {
    handler = (request, response) => {
      request.resume();
      request.on('end', () => {
        response.writeHead(200, { trailer: 'x-sum' });
        response.write('one');
        setTimeout(() => {
          response.write('two');
          response.addTrailers({ 'x-sum': pairs(request.rawTrailers).join() });
          response.end();
        }, 20);
      });
    };
    const client = await connect();
    client.send(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-In: 7\r\nContent-Length: 9\r\n\r\n',
    );
    const answer = await client.answer();
    expect(answer.body.toString()).toBe('onetwo');
    expect(answer.trailers).toEqual(['x-sum: x-in: 7']);
  });

  it('knows answers without a body: HEAD, 204, 304', async () => {
    handler = (request, response) => {
      const status = Number(request.url!.slice(1));
      response.writeHead(status, {
        'x-status': String(status),
        ...(status === 204 ? {} : { 'content-length': '7' }),
      });
      response.end(status === 200 ? 'content' : undefined);
    };
    const client = await connect();
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
      ['GET', 200],
    ] as const) {
      client.send(`${method} /${status} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const answer = await client.answer(method);
      expect([answer.status, answer.body.toString()]).toEqual([
        status,
        method === 'GET' && status === 200 ? 'content' : '',
      ]);
      if (status !== 204) expect(answer.fields).toContain('content-length: 7');
    }
  });

  it('sends 100 (Continue) and 103 through, and asks for no body that was not wanted', async () => {
    handler = (request, response) => {
      if (request.url === '/no') {
        response.writeHead(417);
        response.end();
        return;
      }
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.writeContinue();
      echo(request, response);
    };
    const client = await connect();
    client.send('POST /yes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    const hints = await client.answer();
    expect([hints.status, hints.fields.join()]).toEqual([103, 'Link: </style.css>; rel=preload']);
    expect((await client.answer()).status).toBe(100);
    client.send('ok');
    expect(JSON.parse((await client.answer()).body.toString())).toMatchObject({ body: 'ok' });
    client.send('POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    const refused = await client.answer();
    expect([refused.status, refused.fields.includes('connection: close')]).toEqual([417, true]);
    expect(await client.ended()).toBe(true);
  });

  it('serves HTTP/1.0: without chunks, and closed unless kept', async () => {
    handler = (_, response) => {
      response.write('a');
      response.end('b');
    };
    const kept = await connect();
    kept.send('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
    const text = await kept.rest();
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).toMatch(/connection: close\r\n\r\nab$/);
    expect(text).not.toMatch(/transfer-encoding/i);
    handler = echo;
    const twice = await connect();
    for (const n of [1, 2]) {
      twice.send(`GET /${n} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
      const answer = await twice.answer();
      expect(answer.fields).toContain('connection: keep-alive');
    }
  });

  it('answers a client that has half-closed', async () => {
    handler = (request, response) => void setTimeout(() => echo(request, response), 30);
    const client = await connect();
    client.send('GET /half HTTP/1.1\r\nHost: a\r\n\r\n');
    client.end();
    expect(await client.rest()).toMatch(/"url":"\/half"/);
  });

  it('passes an answer on that comes before the request is read to its end, and goes on with the connection', async () => {
    handler = (request, response) => {
      if (request.url !== '/early') return echo(request, response);
      response.end('early');
      request.resume();
    };
    const client = await connect();
    client.send('POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345');
    expect((await client.answer()).body.toString()).toBe('early');
    client.send('67890GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(JSON.parse((await client.answer()).body.toString())).toMatchObject({ url: '/next', body: '' });
  });

  it('reads over the body of a request that it answers itself', async () => {
    handler = echo;
    await plane.configure(manifest.replace('prefix: /,', 'prefix: /web/,'));
    const client = await connect();
    client.send('POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345');
    expect((await client.answer()).status).toBe(404);
    client.send('67890GET /web/next HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(JSON.parse((await client.answer()).body.toString())).toMatchObject({ url: '/web/next' });
    client.send(`POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1000)}`);
    expect((await client.answer()).status).toBe(404);
    expect(await client.ended()).toBe(true);
    await plane.configure(manifest);
  });

  it('takes back-pressure from a slow reader to the upstream, and loses nothing', async () => {
    const size = 32 * 1024 * 1024;
    const piece = Buffer.alloc(65_536, 'x');
    let written = 0;
    handler = (_, response) => {
      written = 0;
      const more = (): void => {
        while (written < size) {
          written += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    };
    const client = await connect();
    client.pause();
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await new Promise((done) => setTimeout(done, 500));
    const stalled = written;
    expect(stalled).toBeLessThan(size / 2);
    client.resume();
    const answer = await client.answer();
    expect(answer.body.length).toBe(size);
  });

  it('goes on with a connection whose bodies were answered before they had gone on', async () => {
    // Answers at the head, and reads the body slowly behind its answer.
    handler = (request, response) => {
      response.end('early');
      request.pause();
      setTimeout(() => request.resume(), 30);
    };
    const clients = await Promise.all([1, 2, 3, 4].map(() => connect()));
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    for (let n = 0; n < 4; n++) {
      for (const client of clients) {
        client.send(`POST /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
        client.send(body);
      }
      for (const client of clients) expect((await client.answer()).body.toString()).toBe('early');
    }
  });

  it('reads over what it does not want also where it had stopped reading', async () => {
    await plane.configure(manifest.replace('prefix: /,', 'prefix: /web/,'));
    handler = echo;
    const client = await connect();
    for (let n = 0; n < 10; n++) {
      client.send(`POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n`);
      client.send(Buffer.alloc(200_000, 'x'));
      expect((await client.answer()).status).toBe(404);
    }
    await plane.configure(manifest);
  });

  it('takes back-pressure from a slow upstream to the client', async () => {
    let got = 0;
    handler = (request, response) => {
      setTimeout(() => {
        request.on('data', (data: Buffer) => {
          got += data.length;
        });
        request.on('end', () => response.end(String(got)));
      }, 400);
    };
    const client = await connect();
    const size = 64 * 1024 * 1024;
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    client.send(Buffer.alloc(size, 'y'));
    await new Promise((done) => setTimeout(done, 250));
    expect(client.unsent).toBeGreaterThan(0);
    expect((await client.answer()).body.toString()).toBe(String(size));
  });

  it('cuts an answer whose upstream is gone, so that nobody takes it for whole', async () => {
    handler = (_, response) => {
      response.write('begin');
      setTimeout(() => response.socket!.destroy(), 20);
    };
    const client = await connect();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect(client.answer()).rejects.toThrow(/closed inside/);
  });

  it('ends the upstream’s call when the client goes', async () => {
    const closed = new Promise<boolean>((resolve) => {
      handler = (request, _response) => request.on('close', () => resolve(true));
    });
    const client = await connect();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((done) => setTimeout(done, 50));
    client.reset();
    expect(await closed).toBe(true);
  });

  it('refuses what cannot be trusted with one whole answer, and closes', async () => {
    handler = echo;
    const errors = plane.counter('PROTOCOL_ERRORS_DOWNSTREAM');
    for (const [text, status] of [
      ['GET / HTTP/1.1\r\n\r\n', 400],
      ['GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
      ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 400],
      ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
      ['\u0016\u0003\u0001hello\r\n\r\n', 400],
    ] as const) {
      const client = await connect();
      client.send(Buffer.from(`${text}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`, 'latin1'));
      const answer = await client.answer();
      expect([text, answer.status]).toEqual([text, status]);
      expect(answer.fields).toContain('connection: close');
      expect(await client.rest()).toBe('');
    }
    expect(plane.counter('PROTOCOL_ERRORS_DOWNSTREAM') - errors).toBe(5);
  });

  it('reads heads and bodies in any pieces', async () => {
    handler = echo;
    const client = await connect();
    const text =
      'POST /bytes HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n';
    for (const byte of Buffer.from(text)) {
      client.send(Buffer.from([byte]));
      await new Promise((done) => setImmediate(done));
    }
    const seen = JSON.parse((await client.answer()).body.toString()) as Echoed;
    expect([seen.url, seen.body, pairs(seen.rawTrailers)]).toEqual(['/bytes', 'hello', ['x-t: 1']]);
  });
});

describe('kept connections to the upstream', () => {
  /** A server that answers a connection's first request and closes it when the second one comes. */
  async function closing(): Promise<{ port: number; seen: string[]; close(): void }> {
    const seen: string[] = [];
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      let requests = 0;
      socket.on('error', () => {});
      socket.on('data', (data) => {
        seen.push(data.toString('latin1').split(' ', 2).join(' '));
        if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.destroy();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      port: (server.address() as AddressInfo).port,
      seen,
      close: () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    };
  }

  it('are replaced for a call that may be sent twice, and only for that', async () => {
    const upstream = await closing();
    const own = await startPlane(manifest, { 'web:80': [upstream.port], 'rpc:80': [1] });
    const client = await RawHttp1.connect(own.port);
    open.push(client);
    const statuses: number[] = [];
    for (const method of ['GET', 'GET', 'PUT', 'POST', 'POST']) {
      const body = method === 'GET' ? '' : 'content-length: 2\r\n';
      client.send(
        `${method} /${statuses.length} HTTP/1.1\r\nHost: a\r\n${body}\r\n${body === '' ? '' : 'hi'}`,
      );
      statuses.push((await client.answer()).status);
    }
    // The fourth meets a connection that closes: nobody knows whether it was acted upon.
    expect(statuses).toEqual([200, 200, 200, 503, 200]);
    expect(upstream.seen).toEqual(['GET /0', 'GET /1', 'GET /1', 'PUT /2', 'PUT /2', 'POST /3', 'POST /4']);
    await own.close();
    upstream.close();
  });
});

describe('health checks of load balancers', () => {
  it('are answered on the traffic port, whatever the routes say, and not ready while it drains', async () => {
    const own = await startPlane(manifest, { 'web:80': [1], 'rpc:80': [1] });
    const client = await RawHttp1.connect(own.port);
    const ask = async (path: string): Promise<number> => {
      client.send(`GET ${path} HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n`);
      return (await client.answer()).status;
    };
    expect(await ask('/ambassador/v0/check_alive')).toBe(200);
    expect(await ask('/ambassador/v0/check_ready?x')).toBe(200);
    client.send('GET /ambassador/v0/check_rea');
    await expect.poll(() => own.plane.connections).toBe(1);
    await new Promise((done) => setTimeout(done, 20));
    const drained = own.plane.drain();
    client.send('dy HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n');
    expect((await client.answer()).status).toBe(503);
    client.end();
    await drained;
    await own.close();
  });
});

describe('bytes behind an answer', () => {
  it('cost the upstream its connection: they are nobody’s answer', async () => {
    const sockets = new Set<net.Socket>();
    const upstream = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', () => {
        const ok = (body: string): string =>
          `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
        socket.write(ok('mine') + ok('smuggled'));
      });
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const { port } = upstream.address() as AddressInfo;
    const own = await startPlane(manifest, { 'web:80': [port], 'rpc:80': [1] });
    const clients = await Promise.all([1, 2, 3, 4].map(() => RawHttp1.connect(own.port)));
    for (let round = 0; round < 5; round++) {
      for (const client of clients) client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      for (const client of clients) expect((await client.answer()).body.toString()).toBe('mine');
    }
    expect(own.counter('UPSTREAM_OPENED')).toBe(20);
    for (const client of clients) client.destroy();
    await own.close();
    for (const socket of sockets) socket.destroy();
    upstream.close();
  });
});

describe('HTTP/1.1 to HTTP/2', () => {
  it('brings requests with bodies and trailers, and the answer back', async () => {
    const client = await connect();
    recorder.requests.length = 0;
    client.send(
      'POST /rpc/x?y HTTP/1.1\r\nHost: quote.test\r\nCookie: a=1\r\nX-Mixed-Case: Value\r\nContent-Length: 5\r\n\r\nhello',
    );
    const answer = await client.answer();
    expect([answer.status, answer.body.toString()]).toEqual([200, 'ok']);
    await expect.poll(() => recorder.requests.length).toBe(1);
    const seen = recorder.requests[0]!;
    expect(seen).toMatchObject({ method: 'POST', path: '/rpc/x?y', complete: true });
    expect(seen.body.toString()).toBe('hello');
    expect(seen.headers).toMatchObject({
      ':authority': 'quote.test',
      cookie: 'a=1',
      'x-mixed-case': 'Value',
      'content-length': '5',
      'x-forwarded-proto': 'http',
    });
  });
});
