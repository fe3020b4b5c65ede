import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type BytesRun, runBytes, type Shown, showCases } from '../../support/compatibility.ts';
import { bytesOf, hashOf, sha256 } from '../../support/reference-backend.ts';

/** What curl is told of the protocol, and what the answers have to be in. */
export interface CurlProtocol {
  readonly flags: readonly string[];
  readonly version: '1.0' | '1.1' | '2';
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** Heads (and trailers) in their order, as they came. */
  readonly heads: string;
}

/** Runs curl's cases. @param folder for the heads that it sees. */
export async function curl(
  base: string,
  ca: string,
  folder: string,
  protocol: CurlProtocol,
  version: string,
  names: readonly string[],
  lengths: readonly number[],
): Promise<Shown> {
  const raw = (args: readonly string[], input?: Uint8Array): Promise<BytesRun> =>
    runBytes(['curl', '-sS', '--noproxy', '*', '--cacert', ca, ...protocol.flags, ...args], input);

  async function call(path: string, args: readonly string[] = [], input?: Uint8Array): Promise<Answer> {
    const head = join(folder, 'curl-heads');
    const format = '%{stderr}%{http_code} %{http_version}';
    const run = await raw(['-D', head, '-w', format, ...args, base + path], input);
    expect(run.code, run.err).toBe(0);
    const [status, spoken] = run.err.split(' ');
    // HTTP/1.0 is what curl says; the gateway answers with its own version (RFC 9110 2.5).
    expect(spoken).toBe(protocol.version === '1.0' ? '1.1' : protocol.version);
    return { status: Number(status), body: run.out, heads: readFileSync(head, 'latin1') };
  }

  async function gets(kind: string): Promise<void> {
    for (const length of lengths) {
      const { status, body } = await call(`/${kind}/${length}`);
      expect([status, body.length, sha256(body)]).toEqual([200, length, hashOf(length)]);
    }
  }

  async function posts(args: readonly string[], check: (answer: Answer) => void = () => {}): Promise<void> {
    for (const length of lengths) {
      const answer = await call('/post', args, bytesOf(length));
      expect([answer.status, `${answer.body}`]).toEqual([200, `${length} ${hashOf(length)}`]);
      check(answer);
    }
  }

  const withLength = ['-H', 'Content-Type: x', '-H', 'Expect:', '--data-binary', '@-'];
  const withoutLength = ['-X', 'POST', '-H', 'Expect:', '-T', '-'];
  const cases: Record<string, () => Promise<void>> = {
    GET: () => gets('bytes'),
    'GET without length': () => gets('chunked'),
    POST: () => posts(withLength),
    'POST without length': () => posts(withoutLength),
    HEAD: async () => {
      for (const length of lengths) {
        const { status, heads } = await call(`/bytes/${length}`, ['-I', '-o', '/dev/null']);
        expect([status, /^content-length: (\d+)/im.exec(heads)?.[1]]).toEqual([200, `${length}`]);
      }
    },
    204: async () => {
      const { status, body } = await call('/empty');
      expect([status, body.length]).toEqual([204, 0]);
    },
    304: async () => {
      const { status, body } = await call('/same', ['-H', 'If-None-Match: "same"']);
      expect([status, body.length]).toEqual([304, 0]);
    },
    'keep-alive': async () => {
      const paths = ['/bytes/65536', '/chunked/1', '/empty', '/same', '/bytes/0', '/chunked/65536'];
      const { code, out, err } = await raw([
        '-w',
        '%{num_connects}',
        ...paths.flatMap((path) => ['-o', '/dev/null', base + path]),
      ]);
      expect([code, `${out}`], err).toEqual([0, '100000']);
    },
    'answer trailers': async () => {
      const { body, heads } = await call('/trailers');
      expect(`${body}`).toBe('with trailers');
      expect(heads).toMatch(/\r\n\r\nx-sum: 42\r\n/i);
    },
    103: async () => {
      const { status, body, heads } = await call('/hints');
      expect([status, `${body}`]).toEqual([200, 'hinted']);
      expect(heads).toMatch(/^HTTP\/[\d.]+ 103/);
      expect(heads).toMatch(/^link: <\/style.css>; rel=preload; as=style\r$/im);
    },
    'Expect: 100-continue': () =>
      posts(['-H', 'Expect: 100-continue', '--expect100-timeout', '20', '--data-binary', '@-'], ({ heads }) =>
        expect(heads).toMatch(/^HTTP\/1.1 100/),
      ),
  };
  return showCases(version, Object.fromEntries(names.map((name) => [name, cases[name]!])));
}
