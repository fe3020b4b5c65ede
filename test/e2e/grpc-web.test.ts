import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessEntry } from '../../src/proxy/data-plane.ts';
import { type Recorder, startPlane, startRecorder, type TestPlane } from '../support/data-plane.ts';
import { RawHttp1 } from '../support/raw-http1.ts';
import { block, frame, RawClient } from '../support/raw-http2.ts';

const moduleOn = `
apiVersion: getambassador.io/v2
kind: Module
metadata: {name: ambassador}
spec: {config: {enable_grpc_web: true}}
---
`;
const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: rpc}
spec: {prefix: /, rewrite: "", service: "rpc:80", grpc: true}
`;

const message = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), Buffer.from(text)]);

let recorder: Recorder;
let plane: TestPlane;
const ended: AccessEntry[] = [];

beforeAll(async () => {
  // Two messages, the second a moment later, and trailers.
  recorder = await startRecorder((stream, headers) => {
    stream.on('error', () => {});
    const body: Buffer[] = [];
    stream.on('data', (data: Buffer) => body.push(data));
    stream.on('end', () => {
      if (stream.destroyed || stream.aborted) return;
      if (headers[':path'] === '/refused') {
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' },
          { endStream: true },
        );
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-sum-bin': 'AAE=' }));
      stream.write(Buffer.concat(body));
      setTimeout(() => stream.end(message('bye')), 20);
    });
  });
  plane = await startPlane(
    moduleOn + manifest,
    { 'rpc:80': [recorder.port] },
    { onAccess: (entry) => ended.push(entry) },
  );
});

afterAll(async () => {
  await plane.close();
  recorder.close();
});

const trailers = 'grpc-status: 0\r\nx-sum-bin: AAE=\r\n';
const expected = Buffer.concat([
  message('hello'),
  message('bye'),
  Buffer.from([0x80, 0, 0, 0, trailers.length]),
  Buffer.from(trailers),
]);

async function http1(
  type: string,
  body: Buffer | string,
  path = '/x',
  accept = '',
): Promise<[string, Buffer]> {
  const client = await RawHttp1.connect(plane.port);
  const lines = accept === '' ? '' : `Accept: ${accept}\r\n`;
  client.send(
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${lines}Content-Length: ${body.length}\r\n\r\n`,
  );
  client.send(body);
  const answer = await client.answer();
  client.destroy();
  const contentType = answer.fields.find((line) => line.startsWith('content-type:')) ?? '';
  const status = answer.fields.find((line) => line.startsWith('grpc-status:')) ?? '';
  return [`${answer.status} ${contentType} ${status}`.trim(), answer.body];
}

/** Base64 with padding wherever it was flushed. */
const decoded = (text: Buffer): Buffer =>
  Buffer.concat((text.toString('latin1').match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, 'base64')));

describe('gRPC-Web', () => {
  it('binary over HTTP/1.1: trailers are the last frame of the body', async () => {
    recorder.requests.length = 0;
    const [head, body] = await http1('application/grpc-web+proto', message('hello'));
    expect(head).toBe('200 content-type: application/grpc-web+proto');
    expect(body).toEqual(expected);
    await expect.poll(() => recorder.requests.length).toBe(1);
    const { headers, body: sent } = recorder.requests[0]!;
    expect(sent).toEqual(message('hello'));
    expect(headers).toMatchObject({ 'content-type': 'application/grpc+proto', te: 'trailers' });
    expect(headers['content-length']).toBeUndefined();
  });

  it('text, cut anywhere, with padding in the middle', async () => {
    const whole = message('hello');
    const text = whole.subarray(0, 4).toString('base64') + whole.subarray(4).toString('base64');
    const [head, body] = await http1('application/grpc-web-text', text);
    expect(head).toBe('200 content-type: application/grpc-web-text');
    expect(decoded(body)).toEqual(expected);
    const [mixed] = await http1('application/grpc-web-text', text, '/x', 'application/grpc-web');
    expect(mixed).toBe('200 content-type: application/grpc-web');
  });

  it('text that is no base64 ends the call', async () => {
    const [head] = await http1('application/grpc-web-text', 'AAAA====');
    expect(head).toBe('200 content-type: application/grpc-web-text grpc-status: 13');
    const [cut] = await http1('application/grpc-web-text', 'AAAAA');
    expect(cut).toContain('grpc-status: 13');
  });

  it('an answer that is a status alone is a head', async () => {
    const [head, body] = await http1('application/grpc-web', message('hello'), '/refused');
    expect([head, body.length]).toEqual(['200 content-type: application/grpc-web grpc-status: 5', 0]);
  });

  it('over HTTP/2, counted as calls of gRPC', async () => {
    const client = await RawClient.connect(plane.port);
    const fields: [string, string][] = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', '/x'],
      [':authority', 'a'],
      ['content-type', 'application/grpc-web'],
    ];
    client.send(frame(1, 4, 1, block(fields)));
    client.send(frame(0, 1, 1, message('hello')));
    expect(await client.until(() => client.ended(1))).toBe(true);
    expect(client.body(1)).toEqual(expected);
    client.close();
    expect(ended.at(-1)).toMatchObject({ route: 'rpc.default', status: 200, grpcStatus: 0 });
  });

  it('goes through untouched where the Module does not have enable_grpc_web', async () => {
    const own = await startPlane(manifest, { 'rpc:80': [recorder.port] });
    const client = await RawHttp1.connect(own.port);
    recorder.requests.length = 0;
    client.send(
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web\r\nContent-Length: 3\r\n\r\nabc',
    );
    await client.answer();
    expect(recorder.requests[0]!.headers['content-type']).toBe('application/grpc-web');
    client.destroy();
    await own.close();
  });
});
