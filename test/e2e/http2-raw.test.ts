import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Recorder, startPlane, startRecorder, type TestPlane } from '../support/data-plane.ts';
import { type Http1Recorder, startHttp1Recorder } from '../support/http1-recorder.ts';
import { frame, RawClient } from '../support/raw-http2.ts';

interface SendData {
  readonly stream: number;
  readonly length: number;
  readonly bytes_a_frame: number;
  readonly padding: number;
  readonly end_stream: boolean;
}

type Step =
  | string
  | { readonly wait_ms: number }
  | { readonly repeat: number; readonly hex: string; readonly stream_step?: number }
  | { readonly no_reading: true }
  | { readonly send_data: SendData };

interface RawCase {
  readonly name: string;
  readonly frames: readonly Step[];
  readonly expect: {
    readonly 'one of': readonly string[];
    readonly discouraged?: readonly string[];
    readonly forwarded?: {
      readonly must_have?: readonly string[];
      readonly must_not_have?: readonly string[];
      readonly lines_at_most?: Readonly<Record<string, number>>;
      readonly body_length?: number;
      readonly by_path?: Readonly<Record<string, { readonly must_have: readonly string[] }>>;
    };
    readonly answer?: {
      readonly statuses: Record<string, number>;
      readonly body_hex: Record<string, string>;
    };
  };
}

const cases = JSON.parse(
  readFileSync(new URL('../cases/http2-raw.json', import.meta.url), 'utf8'),
) as RawCase[];

const errorNames: Readonly<Record<string, number>> = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
};

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: quote}
spec: {host: quote.test, prefix: /, rewrite: "", service: "quote:80", grpc: true}
`;

let recorder: Recorder;
let plane: TestPlane;
/** The same with a backend that speaks HTTP/1.1. */
let recorder1: Http1Recorder;
let plane1: TestPlane;
let recorder2: Recorder;
let plane2: TestPlane;

beforeAll(async () => {
  recorder2 = await startRecorder();
  recorder1 = await startHttp1Recorder();
  plane2 = await startPlane(manifest, { 'quote:80': [recorder2.port] });
  plane1 = await startPlane(manifest.replace(', grpc: true', ''), { 'quote:80': [recorder1.port] });
});

afterAll(async () => {
  await plane1.close();
  await plane2.close();
  recorder1.close();
  recorder2.close();
});

function use(protocol: string): void {
  recorder = protocol === 'HTTP/2' ? recorder2 : recorder1;
  plane = protocol === 'HTTP/2' ? plane2 : plane1;
  recorder1.forget();
  recorder2.requests.length = 0;
}

/** Adds the step's stream distance to each frame in `hex`. */
function shifted(hex: string, add: number): Buffer {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    const stream = bytes.readUInt32BE(at + 5);
    if (stream !== 0) bytes.writeUInt32BE(stream + add, at + 5);
  }
  return bytes;
}

async function sendData(client: RawClient, data: SendData): Promise<void> {
  let connection = client.connectionWindow;
  let used = 0;
  for (let sent = 0; sent < data.length; sent += data.bytes_a_frame) {
    const flow = data.bytes_a_frame + data.padding + 1;
    const allowed = (): boolean =>
      client.connectionWindow - used >= flow &&
      (client.windows.get(data.stream) ?? client.streamWindow) - used >= flow;
    await client.until(allowed);
    connection -= flow;
    used += flow;
    const last = sent + data.bytes_a_frame >= data.length;
    const payload = Buffer.concat([
      Buffer.from([data.padding]),
      Buffer.alloc(data.bytes_a_frame, 0x61),
      Buffer.alloc(data.padding),
    ]);
    client.send(frame(0, 8 | (last && data.end_stream ? 1 : 0), data.stream, payload));
  }
  expect(connection).toBeLessThan(65_535);
}

async function play(client: RawClient, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (client.closed) return;
    if (typeof step === 'string') client.send(Buffer.from(step, 'hex'));
    else if ('wait_ms' in step) await new Promise((resolve) => setTimeout(resolve, step.wait_ms));
    else if ('no_reading' in step) client.stopReading();
    else if ('send_data' in step) await sendData(client, step.send_data);
    else {
      for (let n = 0; n < step.repeat && !client.closed; n++) {
        const more = client.send(shifted(step.hex, n * (step.stream_step ?? 0)));
        if (!more && n % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
}

/** Outcomes that were seen, in the words of the cases. */
async function outcomes(client: RawClient): Promise<Set<string>> {
  const settled = (): boolean =>
    client.closed || client.goaway() !== null || client.frames.some((f) => f.type === 1 || f.type === 3);
  await client.until(settled, 2000);
  await new Promise((resolve) => setTimeout(resolve, 150));
  const seen = new Set<string>();
  const name = (code: number): string =>
    Object.keys(errorNames).find((key) => errorNames[key] === code) ?? '*';
  const parts: string[] = [];
  const goaway = client.goaway();
  if (goaway !== null) seen.add(`connection-error:${name(goaway)}`);
  else if (client.closed) seen.add('close');
  for (const reset of client.frames.filter((f) => f.type === 3)) {
    parts.push(`stream-error:${name(reset.payload.readUInt32BE(0))}`);
    break;
  }
  const statuses = client.frames.filter((f) => f.type === 1).map((f) => client.status(f.stream));
  for (const status of statuses) if (status !== null && status >= '400') parts.push(`reject-${status}`);
  const forwarded = recorder.requests.filter((r) => r.complete).map((r) => `${r.method} ${r.path}`);
  if (forwarded.length > 0) parts.push(`forward-as:${forwarded.join(' + ')}`);
  if (parts.length > 0) seen.add(parts.join(' + '));
  if (goaway === null && !client.closed) seen.add('ignore');
  return seen;
}

/** A request on a fresh connection is answered within a second. */
async function neighbourIsServed(): Promise<void> {
  const client = await RawClient.connect(plane.port);
  client.get(1, '/neighbour');
  expect(await client.until(() => client.ended(1), 1000)).toBe(true);
  expect(client.status(1)).toBe('200');
  client.close();
}

describe.each(['HTTP/2', 'HTTP/1.1'])('http2-raw.json, with an %s backend', (protocol) => {
  beforeEach(() => use(protocol));

  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const client = await RawClient.connect(plane.port, { greet: false });
    const playing = play(client, one.frames);
    if (one.name.includes('reset') || one.name.includes('flood') || one.name.includes('empty')) {
      await neighbourIsServed();
      recorder.requests.length = 0;
    }
    await playing;
    const seen = await outcomes(client);
    const wanted = one.expect['one of'];
    expect(
      wanted.some((outcome) => seen.has(outcome)),
      `saw ${[...seen].join(' | ')}, wanted ${wanted.join(' | ')}`,
    ).toBe(true);
    const forwarded = one.expect.forwarded;
    if (forwarded?.body_length !== undefined)
      expect(recorder.requests[0]!.body.length).toBe(forwarded.body_length);
    for (const [path, { must_have }] of Object.entries(forwarded?.by_path ?? {})) {
      const request = recorder.requests.find((r) => r.path === path);
      for (const line of must_have) {
        const [name, value] = line.split(': ');
        expect(request?.headers[name!]).toBe(value);
      }
    }
    if (protocol === 'HTTP/1.1' && recorder.requests.length > 0) {
      const text = recorder1.wire().toString('latin1').toLowerCase();
      for (const part of forwarded?.must_have ?? []) expect(text).toContain(part);
      for (const part of forwarded?.must_not_have ?? []) expect(text).not.toContain(part);
      for (const [name, most] of Object.entries(forwarded?.lines_at_most ?? {})) {
        expect(text.split(`\r\n${name}:`).length - 1).toBeLessThanOrEqual(most);
      }
    }
    for (const [stream, status] of Object.entries(one.expect.answer?.statuses ?? {})) {
      expect(client.status(Number(stream))).toBe(String(status));
      expect(client.body(Number(stream)).toString('hex')).toBe(one.expect.answer!.body_hex[stream]);
    }
    expect(recorder.mostOpen()).toBeLessThanOrEqual(1024);
    client.close();
    await neighbourIsServed();
  });

  it('has cookie crumbs arrive as they came, or joined', async () => {
    const client = await RawClient.connect(plane.port);
    client.get(1, '/cookies', [
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    ]);
    await client.until(() => client.ended(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(recorder.requests[0]!.headers.cookie).toBe('a=1; b=2');
    client.close();
  });
});
