import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { rawCases } from '../support/http1-raw-cases.ts';
import { type Http1Recorder, startHttp1Recorder } from '../support/http1-recorder.ts';
import { RawHttp1 } from '../support/raw-http1.ts';

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: quote}
spec: {host: quote.test, prefix: /, rewrite: "", service: "quote:80"}
`;

let recorder: Http1Recorder;
let plane: TestPlane;

beforeAll(async () => {
  recorder = await startHttp1Recorder();
  plane = await startPlane(manifest, { 'quote:80': [recorder.port] });
});

afterAll(async () => {
  await plane.close();
  recorder.close();
});

/** What became of the bytes, in the words of the rawCases. */
function outcome(answers: string): string[] {
  const forwarded = recorder.requests.filter((request) => request.complete);
  const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => match[1]!);
  const seen: string[] = [];
  if (forwarded.length > 0) {
    const text = forwarded.map(({ method, path, body }) => {
      return `${method} ${path}${body.length === 0 ? '' : ` body=${body.toString('latin1')}`}`;
    });
    seen.push(`forward-as:${text.join(' + ')}`);
  }
  for (const status of statuses) if (status >= '400') seen.push(`reject-${status}`);
  return seen;
}

describe('http1-raw.json through the gateway, with an HTTP/1.1 backend', () => {
  it.each(
    rawCases.flatMap((one) =>
      [1e9, 1].map((step) => [one.name, step === 1 ? 'byte by byte' : 'whole', step, one] as const),
    ),
  )('%s, %s', async (_name, _how, step, one) => {
    recorder.forget();
    const client = await RawHttp1.connect(plane.port);
    const bytes = Buffer.from(one.bytes_hex, 'hex');
    for (let at = 0; at < bytes.length; at += step) {
      client.send(bytes.subarray(at, at + step));
      if (step === 1) await new Promise((done) => setImmediate(done));
    }
    client.end();
    const answers = await client.rest();
    const seen = outcome(answers);
    const wanted = one.expect['one of'];
    expect(
      wanted.some((outcome) => seen.includes(outcome)),
      `saw ${seen.join(' | ')}; permitted: ${wanted.join(' | ')}`,
    ).toBe(true);
    expect(recorder.requests.map((request) => request.path)).not.toContain('/smuggled');
    const { forwarded } = one.expect;
    const wire = recorder.wire();
    if (forwarded === undefined || wire.length === 0) return;
    const text = wire.toString('latin1').toLowerCase();
    for (const part of forwarded.must_have ?? []) expect(text).toContain(part);
    for (const part of forwarded.must_not_have ?? []) expect(text).not.toContain(part);
    for (const part of forwarded.must_have_hex ?? []) expect(wire.toString('hex')).toContain(part);
    for (const part of forwarded.must_not_have_hex ?? []) expect(wire.toString('hex')).not.toContain(part);
    for (const [name, most] of Object.entries(forwarded.lines_at_most ?? {})) {
      expect(text.split(`\r\n${name}:`).length - 1).toBeLessThanOrEqual(most);
    }
  });
});
