import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessEntry } from '../../src/proxy/data-plane.ts';
import { type FourWays, moduleOf, startFourWays, type Way, ways } from '../support/four-ways.ts';

const said = {
  'x-forwarded-for': '203.0.113.7, 198.51.100.9',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'shop.example.org',
  'x-forwarded-port': '8443',
  'x-envoy-external-address': '203.0.113.7',
  'x-forwarded-client-cert': 'Hash=abc;Subject="CN=a, O=b"',
  'x-request-id': 'mine',
};
const listener = (depth: number): string => `---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: l}
spec: {port: 8080, protocol: HTTP, securityModel: XFP, l7Depth: ${depth}, hostBinding: {namespace: {from: ALL}}}
`;
const host = `---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: h}
spec: {hostname: "*", requestPolicy: {insecure: {action: Redirect}}}
`;

let four: FourWays;
const access: AccessEntry[] = [];

beforeAll(async () => {
  four = await startFourWays(listener(0), { ownListener: true, onAccess: (line) => access.push(line) });
});

afterAll(() => four?.close());

describe.each(ways)('a client of %s and an upstream of %s', (...way) => {
  const ask = (headers: Record<string, string> = said) => four.ask(way as Way, headers);

  it('untrusted: nothing that a client says of who it is goes on', async () => {
    await four.configure(listener(0));
    const { got } = await ask();
    expect(got).toMatchObject({ 'x-forwarded-for': '203.0.113.7, 198.51.100.9, 127.0.0.1' });
    expect(got).toMatchObject({ 'x-forwarded-proto': 'http' });
    for (const name of ['x-forwarded-host', 'x-forwarded-port', 'x-forwarded-client-cert'])
      expect(got).not.toHaveProperty(name);
    expect(got).not.toHaveProperty('x-envoy-external-address');
    expect(got!['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(access.at(-1)!.client).toBe('127.0.0.1');
  });

  it('one trusted hop (l7Depth): what it says is kept, and the client is the one that it has seen', async () => {
    await four.configure(listener(1));
    const { got } = await ask();
    expect(got).toMatchObject({ ...said, 'x-forwarded-for': '203.0.113.7, 198.51.100.9, 127.0.0.1' });
    expect(access.at(-1)!.client).toBe('198.51.100.9');
    // A proxy that says nothing is none to be believed more than the connection.
    const silent = await ask({});
    expect(silent.got).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
    expect(silent.got!['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(access.at(-1)!.client).toBe('127.0.0.1');
  });

  it('two: of the Module, which an l7Depth goes before; and too few in the list', async () => {
    await four.configure(listener(0) + moduleOf('xff_num_trusted_hops: 2'));
    await ask();
    expect(access.at(-1)!.client).toBe('203.0.113.7');
    await ask({ 'x-forwarded-for': '203.0.113.7' });
    expect(access.at(-1)!.client).toBe('127.0.0.1');
    await four.configure(listener(1) + moduleOf('xff_num_trusted_hops: 2'));
    await ask();
    expect(access.at(-1)!.client).toBe('198.51.100.9');
  });

  it('use_remote_address: false believes the list as it is, and adds nothing to it', async () => {
    await four.configure(listener(0) + moduleOf('use_remote_address: false'));
    const { got } = await ask();
    expect(got).toMatchObject(said);
    expect(access.at(-1)!.client).toBe('198.51.100.9');
    expect((await ask({})).got).not.toHaveProperty('x-forwarded-for');
  });

  it('the scheme that a trusted hop has spoken decides what is redirected, an untrusted one nothing', async () => {
    await four.configure(listener(1) + host);
    for (let n = 0; n < 2; n++) {
      expect((await ask()).status).toBe(200);
      const insecure = await ask({ 'x-forwarded-proto': 'http', host: 'a.test' });
      expect([insecure.status, insecure.headers.location]).toEqual([301, `https://a.test/${way[1]}/`]);
      expect((await ask({})).status).toBe(301);
      expect((await ask({ 'x-forwarded-proto': 'gopher' })).status).toBe(301);
      // What a client said stands in front of what the proxy did.
      expect((await ask({ 'x-forwarded-proto': 'https, http' })).status).toBe(301);
    }
    await four.configure(listener(0) + host);
    expect((await ask()).status).toBe(301);
  });

  it('x_forwarded_proto_redirect does it where there are no Hosts', async () => {
    await four.configure(
      listener(0) + moduleOf('x_forwarded_proto_redirect: true, use_remote_address: false'),
    );
    expect((await ask({ 'x-forwarded-proto': 'https' })).status).toBe(200);
    expect((await ask({})).status).toBe(301);
  });

  it('keeps x-request-id with preserve_external_request_id, the first and nothing else', async () => {
    await four.configure(listener(0) + moduleOf('preserve_external_request_id: true'));
    const { got } = await ask();
    expect(got).toMatchObject({ 'x-request-id': 'mine', 'x-forwarded-proto': 'http' });
    expect(got).not.toHaveProperty('x-forwarded-host');
    for (const empty of [{}, { 'x-request-id': '' }])
      expect((await ask(empty)).got!['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('passes traces on, and begins them where it was told to', async () => {
    const good = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const trace = { traceparent: good, tracestate: 'a=1,b=2' };
    await four.configure(listener(0));
    expect((await ask(trace)).got).toMatchObject(trace);
    expect((await ask({ traceparent: 'rubbish' })).got).toMatchObject({ traceparent: 'rubbish' });
    expect((await ask({})).got).not.toHaveProperty('traceparent');
    await four.configure(listener(0) + moduleOf('serin: {begin_traces: 100}'));
    expect((await ask(trace)).got).toMatchObject(trace);
    for (const bad of [{}, { ...trace, traceparent: good.slice(1) }]) {
      const { got } = await ask(bad);
      expect(got!.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(got).not.toHaveProperty('tracestate');
    }
    await four.configure(listener(0) + moduleOf('serin: {begin_traces: 0}'));
    expect((await ask({})).got!.traceparent).toMatch(/-00$/);
  });

  it('says via, forwarded and x-forwarded-host on wish', async () => {
    await four.configure(
      listener(0) + moduleOf('serin: {via: edge, forwarded: true, x_forwarded_host: true}'),
    );
    const theirs = { via: '1.0 old', forwarded: 'for=1.2.3.4', host: 'a.test:81' };
    const { got } = await ask(theirs);
    expect(got).toMatchObject({
      via: `1.0 old, ${way[0] === 'h1' ? '1.1' : '2'} edge`,
      forwarded: 'for=127.0.0.1;host="a.test:81";proto=http',
      'x-forwarded-host': 'a.test:81',
      'x-forwarded-port': '81',
    });
    await four.configure(listener(1) + moduleOf('serin: {forwarded: true}'));
    expect((await ask(theirs)).got!.forwarded).toBe('for=1.2.3.4, for=127.0.0.1;host="a.test:81";proto=http');
    await four.configure(listener(0));
    expect((await ask(theirs)).got).toMatchObject({ via: '1.0 old', forwarded: 'for=1.2.3.4' });
  });
});
