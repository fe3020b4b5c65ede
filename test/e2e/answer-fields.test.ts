import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPlane, startRecorder, type TestPlane } from '../support/data-plane.ts';
import { type FourWays, moduleOf, startFourWays, type Way, ways } from '../support/four-ways.ts';
import { RawHttp1 } from '../support/raw-http1.ts';
import { get, TlsClients } from '../support/tls-clients.ts';

const extra = `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: nobody}
spec: {prefix: /h1/nobody, service: elsewhere.test, host_redirect: true}
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: nobody2}
spec: {prefix: /h2/nobody, service: elsewhere.test, host_redirect: true}
`;
const date = expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
let four: FourWays;

beforeAll(async () => {
  four = await startFourWays(extra);
});

afterAll(() => four?.close());

describe.each(ways)('a client of %s and an upstream of %s', (...way) => {
  const ask = (path = 'x', headers = {}) => four.ask(way as Way, headers, path);

  it('answers of the gateway’s own have a date', async () => {
    await four.configure(extra);
    const own = await ask('nobody');
    expect(own.status).toBe(301);
    expect(own.headers).toMatchObject({ date, location: `http://elsewhere.test/${way[1]}/nobody` });
    expect(own.headers).not.toHaveProperty('server');
  });

  it('server_name is what all answers say, those of services and its own', async () => {
    await four.configure(extra + moduleOf('server_name: edge'));
    expect((await ask()).headers).toMatchObject({ server: 'edge', date });
    expect((await ask('nobody')).headers).toMatchObject({ server: 'edge', date });
  });

  it('Envoy’s fields are off unless suppress_envoy_headers is false', async () => {
    const names = ['x-envoy-original-path', 'x-envoy-expected-rq-timeout-ms'];
    for (const config of ['', moduleOf('suppress_envoy_headers: true')]) {
      await four.configure(extra + config);
      const { got, headers } = await ask();
      for (const name of names) expect(got).not.toHaveProperty(name);
      expect(headers).not.toHaveProperty('x-envoy-upstream-service-time');
    }
    await four.configure(extra + moduleOf('suppress_envoy_headers: false'));
    const { got, headers } = await ask('x?y=1', { 'x-envoy-original-path': '/lie' });
    expect(got).toMatchObject({ 'x-envoy-expected-rq-timeout-ms': '3000' });
    // Nothing was rewritten.
    expect(got).not.toHaveProperty('x-envoy-original-path');
    expect(headers['x-envoy-upstream-service-time']).toMatch(/^\d{1,3}$/);
    expect((await ask('nobody')).headers).not.toHaveProperty('x-envoy-upstream-service-time');
  });

  it('what was rewritten, and the limit of the Mapping', async () => {
    const mapping = (name: string, grpc: boolean) => `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: ${name}-r}
spec: {prefix: /${name}/r/, rewrite: /to/, service: "${name}:80", grpc: ${grpc}, timeout_ms: 7000}
`;
    await four.configure(
      mapping('h1', false) + mapping('h2', true) + moduleOf('suppress_envoy_headers: false'),
    );
    const seen = await ask('r/a/../b?q');
    expect(seen.path).toBe('/to/b?q');
    expect(seen.got).toMatchObject({
      'x-envoy-original-path': `/${way[1]}/r/b?q`,
      'x-envoy-expected-rq-timeout-ms': '7000',
    });
    if (way[1] === 'h1') return;
    const grpc = { 'content-type': 'application/grpc' };
    expect((await ask('plain', grpc)).got).not.toHaveProperty('x-envoy-expected-rq-timeout-ms');
    expect((await ask('plain')).got).toHaveProperty('x-envoy-expected-rq-timeout-ms');
  });

  it('headers_with_underscores_action lets them through, drops them, or refuses', async () => {
    const headers = { a_b: '1', 'a-b': '2' };
    await four.configure(extra);
    expect((await ask('x', headers)).got).toMatchObject(headers);
    await four.configure(extra + moduleOf('headers_with_underscores_action: DROP_HEADER'));
    const { got } = await ask('x', headers);
    expect(got).toMatchObject({ 'a-b': '2' });
    expect(got).not.toHaveProperty('a_b');
    await four.configure(extra + moduleOf('headers_with_underscores_action: REJECT_REQUEST'));
    expect((await ask('x', headers)).status).toBe(400);
    expect((await ask('x', { 'a-b': '2' })).status).toBe(200);
  });

  it('strip_matching_host_port takes off the port of the listener, and no other', async () => {
    const hosts = (name: string, grpc: boolean) => `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: ${name}-h}
spec: {prefix: /${name}/, rewrite: "", service: "${name}:80", host: a.test, grpc: ${grpc}, add_response_headers: {x-route: named}}
`;
    const both = hosts('h1', false) + hosts('h2', true);
    const routed = async (host: string) => (await ask('x', { host })).headers['x-route'] ?? null;
    await four.configure(both);
    expect(await routed('a.test:1')).toBeNull();
    await four.configure(both + moduleOf('strip_matching_host_port: true'));
    // The listener of these tests has port 1.
    for (let n = 0; n < 2; n++) expect(await routed('a.test:1')).toBe('named');
    expect([await routed('a.test:2'), await routed('a.test:11'), await routed('a.test')]).toEqual([
      null,
      null,
      'named',
    ]);
    const { got } = await ask('x', { host: 'a.test:1' });
    expect(got![way[1] === 'h1' ? 'host' : ':authority']).toBe('a.test');
  });

  it('paths are read as the Module says, also those that were seen before', async () => {
    const sent = async (path: string) => {
      const { status, path: got } = await ask(path);
      return got === '' ? status : got.slice(3);
    };
    const paths = ['a//b', 'a%2Fb', 'a%5cb', 'a/%2e%2E/b'];
    const all = async (config: string) => {
      await four.configure(extra + config);
      const seen = [];
      for (const path of [...paths, ...paths]) seen.push(await sent(path));
      return seen.slice(0, paths.length);
    };
    const plain = ['/a//b', '/a%2Fb', '/a%5cb', '/b'];
    expect(await all('')).toEqual(plain);
    expect(await all(moduleOf('merge_slashes: true'))).toEqual(['/a/b', ...plain.slice(1)]);
    const rejecting = moduleOf('reject_requests_with_escaped_slashes: true');
    expect(await all(rejecting)).toEqual(['/a//b', 400, 400, '/b']);
    expect(await all(moduleOf('serin: {escaped_slashes: reject}'))).toEqual(['/a//b', 400, 400, '/b']);
    expect(await all(moduleOf('serin: {escaped_slashes: unescape}'))).toEqual(['/a//b', '/a/b', 400, '/b']);
    expect(await all('')).toEqual(plain);
  });
});

describe('date', () => {
  let silent: http.Server;
  let plane: TestPlane;
  const stale = 'Tue, 15 Nov 1994 08:12:31 GMT';

  beforeAll(async () => {
    silent = http.createServer((request, response) => {
      response.sendDate = false;
      if (request.url === '/one/old') response.setHeader('Date', stale);
      response.end('ok');
    });
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const two = await startRecorder((stream, headers) => {
      const old = headers[':path'] === '/two/old' ? { date: stale } : {};
      stream.respond({ ':status': 200, ...old }, { sendDate: false } as never);
      stream.end('ok');
    });
    const mapping = (name: string, grpc: boolean) => `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: ${name}}
spec: {prefix: /${name}/, rewrite: "", service: "${name}:80", grpc: ${grpc}}
`;
    plane = await startPlane(mapping('one', false) + mapping('two', true), {
      'one:80': [(silent.address() as AddressInfo).port],
      'two:80': [two.port],
    });
    return () => two.close();
  });

  afterAll(async () => {
    await plane.close();
    silent.close();
    silent.closeAllConnections();
  });

  it.each(['one', 'two'])(
    'is given to answers of %s that have none, and left to the others',
    async (name) => {
      const clients = new TlsClients(() => plane.port, '');
      const session = clients.session();
      const client = await RawHttp1.connect(plane.port);
      const overHttp1 = async (path: string) => {
        client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
        return (await client.answer('GET')).fields.filter((line) => /^date:/i.test(line));
      };
      for (let n = 0; n < 2; n++) {
        expect((await get(session, 'a', `/${name}/x`)).headers.date).toEqual(date);
        expect((await get(session, 'a', `/${name}/old`)).headers.date).toBe(stale);
        expect(await overHttp1(`/${name}/x`)).toHaveLength(1);
        expect(await overHttp1(`/${name}/old`)).toEqual([expect.stringMatching(`^[dD]ate: ${stale}$`)]);
      }
      client.destroy();
      clients.close();
    },
  );

  it('stands in the answer to what is no request', async () => {
    const client = await RawHttp1.connect(plane.port);
    client.send('GET / HTTP/1.1\r\nHost : a\r\n\r\n');
    const { status, fields } = await client.answer('GET');
    expect(status).toBe(400);
    expect(fields.filter((line) => /^date: .* GMT$/.test(line))).toHaveLength(1);
    client.destroy();
  });
});
