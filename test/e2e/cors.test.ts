import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { type Http1Recorder, startHttp1Recorder } from '../support/http1-recorder.ts';
import { RawHttp1 } from '../support/raw-http1.ts';

const manifest = `
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: web}
spec:
  hostname: "*"
  prefix: /web/
  rewrite: ""
  service: web:80
  cors:
    origins: [https://one.example.org, "https://two.example.org"]
    methods: [GET, POST]
    headers: X-A, X-B
    exposed_headers: [X-Sum]
    credentials: true
    max_age: "600"
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: open}
spec: {hostname: "*", prefix: /open/, rewrite: "", service: "web:80", cors: {origins: ["*"]}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: nobody}
spec: {hostname: "*", prefix: /nobody/, rewrite: "", service: "nobody:80", cors: {origins: ["*"]}}
`;

let recorder: Http1Recorder;
let plane: TestPlane;

beforeAll(async () => {
  recorder = await startHttp1Recorder();
  plane = await startPlane(manifest, { 'web:80': [recorder.port], 'nobody:80': [] });
});

afterAll(async () => {
  await plane.close();
  recorder.close();
});

/** Status and the fields that browsers look at. */
async function ask(method: string, path: string, lines: string): Promise<string[]> {
  const client = await RawHttp1.connect(plane.port);
  client.send(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
  const answer = await client.answer(method);
  client.destroy();
  return [
    String(answer.status),
    ...answer.fields.filter((line) => /^(access-control|vary)/i.test(line)),
    ...answer.fields.filter((line) => /^content-length/.test(line)),
  ];
}

describe('CORS', () => {
  it('answers a preflight of an allowed origin, and sends nothing on', async () => {
    recorder.forget();
    const lines = 'Origin: https://one.example.org\r\nAccess-Control-Request-Method: POST\r\n';
    expect(await ask('OPTIONS', '/web/x', lines)).toEqual([
      '200',
      'access-control-allow-origin: https://one.example.org',
      'access-control-allow-credentials: true',
      'access-control-allow-methods: GET, POST',
      'access-control-allow-headers: X-A, X-B',
      'access-control-max-age: 600',
      'vary: Origin',
      'content-length: 0',
    ]);
    expect(recorder.requests).toEqual([]);
  });

  it('lets the answers of an allowed origin be read', async () => {
    expect(await ask('GET', '/web/x', 'Origin: https://two.example.org\r\n')).toEqual([
      '200',
      'access-control-allow-origin: https://two.example.org',
      'access-control-allow-credentials: true',
      'access-control-expose-headers: X-Sum',
      'vary: Origin',
      'content-length: 2',
    ]);
    expect((await ask('GET', '/open/x', 'Origin: null\r\n'))[1]).toBe('access-control-allow-origin: null');
  });

  it('changes nothing for other origins, for none, and for OPTIONS that is no preflight', async () => {
    const foreign = 'Origin: https://one.example.org.evil.test\r\n';
    expect(await ask('GET', '/web/x', foreign)).toEqual(['200', 'content-length: 2']);
    expect(await ask('GET', '/web/x', '')).toEqual(['200', 'content-length: 2']);
    recorder.forget();
    await ask('OPTIONS', '/web/x', `${foreign}Access-Control-Request-Method: POST\r\n`);
    await ask('OPTIONS', '/web/x', 'Origin: https://one.example.org\r\n');
    expect(recorder.requests.map(({ method }) => method)).toEqual(['OPTIONS', 'OPTIONS']);
  });

  it('is there on the gateway’s own answers, too, so that a page can read what went wrong', async () => {
    const seen = await ask('GET', '/nobody/x', 'Origin: https://a.test\r\n');
    expect(seen[0]).toBe('503');
    expect(seen).toContain('access-control-allow-origin: https://a.test');
  });
});
