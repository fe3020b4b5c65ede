import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runBytes, type Shown, showCases } from '../../support/compatibility.ts';
import { bytesOf, hashOf, sha256 } from '../../support/reference-backend.ts';

/** Runs nghttp's cases. @param folder for the bodies that it sends. */
export async function nghttp(
  base: string,
  folder: string,
  version: string,
  names: readonly string[],
  lengths: readonly number[],
): Promise<Shown> {
  const file = (length: number): string => join(folder, `body-${length}`);
  for (const length of lengths) writeFileSync(file(length), bytesOf(length));

  async function call(path: string, ...args: string[]): Promise<Buffer> {
    // Windows of 2^30-1: the answer is not what is slow.
    const run = await runBytes(['nghttp', '-w', '30', '-W', '30', ...args, base + path]);
    expect(run.code, run.err).toBe(0);
    // Of certificates it knows nothing, and says so.
    expect(run.err).not.toMatch(/error|Some requests|HTTP\/2 protocol was not selected/i);
    return run.out;
  }

  /** The frames that it saw; without a terminal it has no colours. */
  async function frames(path: string, ...args: string[]): Promise<string> {
    return `${await call(path, '-v', '-n', ...args)}`;
  }

  async function posts(...args: string[]): Promise<void> {
    for (const length of lengths) {
      const answer = await call('/post', '-d', file(length), ...args);
      expect(`${answer}`).toBe(`${length} ${hashOf(length)}`);
    }
  }

  async function gets(kind: string): Promise<void> {
    for (const length of lengths) {
      const body = await call(`/${kind}/${length}`);
      expect([body.length, sha256(body)]).toEqual([length, hashOf(length)]);
    }
  }

  const cases: Record<string, () => Promise<void>> = {
    GET: () => gets('bytes'),
    'GET without length': () => gets('chunked'),
    POST: () => posts(),
    'POST without length': () => posts('--no-content-length'),
    HEAD: async () => {
      const seen = await frames('/bytes/65536', '-H', ':method: HEAD');
      expect(seen).toMatch(/:status: 200/s);
      expect(seen).toMatch(/content-length: 65536/);
      expect(seen).not.toMatch(/recv DATA frame <length=[1-9]/);
    },
    204: async () => expect(await frames('/empty')).toMatch(/:status: 204/),
    304: async () => expect(await frames('/same', '-H', 'if-none-match: "same"')).toMatch(/:status: 304/),
    'keep-alive': async () => {
      // -m: the same again, on one connection.
      const seen = await frames('/bytes/65536', '-m', '20');
      expect(seen.match(/:status: 200/g)?.length).toBe(20);
      expect(seen.match(/Connected/g)?.length).toBe(1);
    },
    'answer trailers': async () => expect(await frames('/trailers')).toMatch(/:status: 200.*x-sum: 42/s),
    'request trailers': async () => {
      // With a content-length HTTP/1.1 has no place for trailers.
      const args = ['-d', file(65_536), '--no-content-length', '--trailer', 'x-sum: 42'];
      const seen = await frames('/post', ...args);
      expect(seen).toMatch(/x-got-trailer: 42/);
    },
    103: async () => {
      const seen = await frames('/hints');
      expect(seen).toMatch(/:status: 103.*link: <\/style.css>; rel=preload; as=style.*:status: 200/s);
    },
  };
  return showCases(version, Object.fromEntries(names.map((name) => [name, cases[name]!])));
}
