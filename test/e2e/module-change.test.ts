import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { moduleOf } from '../support/four-ways.ts';
import { type Http1Recorder, startHttp1Recorder } from '../support/http1-recorder.ts';
import { type RunningSerin, serinCommand, startSerin, until } from '../support/serin.ts';

const mapping = `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /a/, rewrite: "", service: "web:80"}
`;
const file = join(mkdtempSync(join(tmpdir(), 'serin-module-')), 'all.yaml');
const write = (config: string): void =>
  writeFileSync(file, mapping + (config === '' ? '' : moduleOf(config)));
let recorder: Http1Recorder;
let serin: RunningSerin;

beforeAll(async () => {
  recorder = await startHttp1Recorder();
  write('xff_num_trusted_hops: 1');
  const resolve = ['--resolve', `web:80=127.0.0.1:${recorder.port}`];
  serin = await startSerin([file, '--workers', '2', '--access-log', ...resolve]);
});

afterAll(async () => {
  await serin?.stop();
  recorder?.close();
});

/** What the service was asked: the path, and the scheme that it was told; on whichever worker. */
async function asked(): Promise<string> {
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7', connection: 'close' };
  await (await fetch(`http://${serin.listen}/a//b`, { headers })).text();
  await until(() => recorder.requests.length > 0, 2000);
  const { path, headers: got } = recorder.requests.shift()!;
  return `${path} ${String(got['x-forwarded-proto'])}`;
}

async function settles(on: string): Promise<void> {
  let inARow = 0;
  await until(async () => {
    inARow = (await asked()) === on ? inARow + 1 : 0;
    return inARow === 6;
  }, 5000);
}

test('the Module’s settings are those of every worker, and follow the file, also for paths that were seen', async () => {
  await settles('/a//b https');
  expect(serin.log()).toContain('"client":"203.0.113.7"');
  write('merge_slashes: true');
  await settles('/a/b http');
  write('');
  await settles('/a//b http');
  // An error keeps what was good.
  write('merge_slashes: true');
  await settles('/a/b http');
  write('merge_slashes: "true"');
  const errors = async () => String(await (await fetch(`${serin.admin}/api/v1/errors`)).text());
  await until(async () => (await errors()).includes('wrong-type'), 3000);
  await settles('/a/b http');
});

test('explain reads paths as the Module says', async () => {
  write('merge_slashes: true');
  const { out } = await serinCommand(['explain', file, '--request', 'GET //a//b', '-o', 'json']);
  expect(out).toContain('"/a/b"');
  write('');
  expect((await serinCommand(['explain', file, '--request', 'GET //a//b', '-o', 'json'])).out).not.toContain(
    '"/a/b"',
  );
});

test('who may call follows the file in every worker, and a mistake leaves what was good', async () => {
  const statusNow = async (): Promise<number> => {
    const { status } = await fetch(`http://${serin.listen}/a/`, { headers: { connection: 'close' } });
    return status;
  };
  const settlesAs = async (status: number): Promise<void> => {
    let inARow = 0;
    await until(async () => {
      inARow = (await statusNow()) === status ? inARow + 1 : 0;
      return inARow === 6;
    }, 5000);
  };
  write('ip_deny: [{peer: 127.0.0.0/8}]');
  await settlesAs(403);
  write('ip_deny: [{peer: 127.0.0.0/99}]');
  const errors = async () => String(await (await fetch(`${serin.admin}/api/v1/errors`)).text());
  await until(async () => (await errors()).includes('no length of a prefix'), 3000);
  await settlesAs(403);
  write('ip_allow: [{remote: 127.0.0.1}]');
  await settlesAs(200);
});

test('rules that are broken at the start let nobody in; the admin port answers', async () => {
  const broken = join(mkdtempSync(join(tmpdir(), 'serin-module-')), 'all.yaml');
  writeFileSync(broken, mapping + moduleOf('ip_allow: [{remote: 127.0.0.1/99}]'));
  const other = await startSerin([broken, '--workers', '1', '--unguarded']);
  try {
    const answer = await fetch(`http://${other.listen}/a/`);
    expect([answer.status, answer.headers.get('x-serin-reason')]).toEqual([403, 'blocked']);
    expect((await fetch(`${other.admin}/readyz`)).status).toBe(200);
    await until(async () => {
      const text = await (await fetch(`${other.admin}/metrics`)).text();
      return /^serin_requests_total\{[^}]*reason="blocked"[^}]*\} 1$/m.test(text);
    }, 3000);
  } finally {
    await other.stop();
  }
});
