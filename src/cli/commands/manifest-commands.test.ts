import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { checkCommand } from './check.ts';
import { explainCommand } from './explain.ts';
import { routesCommand } from './routes.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'serin-cli-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
  process.exitCode = undefined;
});

const good = `apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: stable}
spec: {prefix: /a/, service: stable}
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: canary}
spec: {prefix: /a/, service: canary, weight: 20}
`;

/** Runs a command on a file; returns what it printed and its exit code. */
async function run(
  command: Command,
  text: string,
  ...args: string[]
): Promise<{ out: string; err: string; code: number }> {
  const file = join(dir, 'm.yaml');
  writeFileSync(file, text);
  const out: string[] = [];
  const err: string[] = [];
  const into = (list: string[]) => (chunk: unknown) => list.push(String(chunk)) > 0;
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation(into(out));
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(into(err));
  process.exitCode = 0;
  await command.parseAsync([file, ...args], { from: 'user' });
  stdout.mockRestore();
  stderr.mockRestore();
  return { out: out.join(''), err: err.join(''), code: Number(process.exitCode) };
}

test('check -o json has one object a line with exactly the promised fields, and exit code 1 for an error', async () => {
  const { out, code } = await run(checkCommand(), good.replace('20', '"20"'), '-o', 'json');
  const [line] = out
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));
  expect(Object.keys(line)).toEqual([
    'severity',
    'code',
    'file',
    'line',
    'column',
    'object',
    'message',
    'help',
  ]);
  expect(line).toMatchObject({
    severity: 'error',
    code: 'wrong-type',
    file: join(dir, 'm.yaml'),
    line: 9,
    object: 'Mapping canary.default',
  });
  expect(code).toBe(1);
  expect((await run(checkCommand(), good)).code).toBe(0);
});

test('routes shows effective shares', async () => {
  const { out, code } = await run(routesCommand(), good, '-o', 'json');
  expect(JSON.parse(out)).toMatchObject({
    route: 'stable.default',
    path: '/a/*',
    backends: [
      { service: 'canary.default:80', share: 0.2, role: 'canary', mapping: 'canary.default' },
      { service: 'stable.default:80', share: 0.8, role: 'stable', mapping: 'stable.default' },
    ],
  });
  expect(code).toBe(0);
  expect((await run(routesCommand(), good)).out).toMatch(
    /stable\.default .*20 % +canary +canary\.default:80\n.*80 % +stable/,
  );
});

test('explain answers one request, and a file of requests line by line', async () => {
  const one = await run(
    explainCommand(),
    good,
    '--request',
    'GET /a/b?c',
    '--header',
    'host: x.test',
    '-o',
    'json',
  );
  expect(JSON.parse(one.out)).toMatchObject({
    route: 'stable.default',
    rewrite: '/b?c',
    backends: [{ share: 0.2 }, { share: 0.8 }],
  });
  const requests = join(dir, 'requests.jsonl');
  writeFileSync(requests, '{"method":"GET","host":"h","path":"/a/","headers":{}}\n{"path":"/b/"}\n');
  const many = await run(explainCommand(), good, '--requests', requests);
  const answers = many.out
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));
  expect(answers.map(({ route }) => route)).toEqual(['stable.default', null]);
  expect(answers[1].backends).toEqual([{ service: null, share: 1 }]);
});

test('a call that cannot be answered is one line and exit code 2', async () => {
  const noRequest = await run(explainCommand(), good);
  expect([noRequest.code, noRequest.err.split('\n').length]).toEqual([2, 2]);
  const noFile = await run(checkCommand(), good, join(dir, 'none.yaml'));
  expect(noFile.err).toBe(`serin: ${join(dir, 'none.yaml')}: there is no such file or folder\n`);
  expect(noFile.code).toBe(2);
});

test('routes has those of TCPMappings behind the others; the example of docs/tcp.md is without a fault', async () => {
  const example = readFileSync(new URL('../../../examples/tcp/database.yaml', import.meta.url), 'utf8');
  const page = readFileSync(new URL('../../../docs/tcp.md', import.meta.url), 'utf8');
  expect(page).toContain(example.slice(example.indexOf('apiVersion')));
  const { out, code } = await run(routesCommand(), example);
  expect(page).toContain(out);
  expect(code).toBe(0);
  const both = await run(routesCommand(), `${example}---\n${good}`, '-o', 'json');
  const rows = both.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows).toMatchObject([
    { route: 'stable.default', path: '/a/*' },
    {
      route: 'db.default',
      tcp: { address: null, port: 15432 },
      host: '*',
      backends: [{ share: 0.1 }, { share: 0.9 }],
    },
  ]);
  expect((await run(checkCommand(), example)).out).toContain(
    '0 errors, 0 warnings (2 Mappings in 2 documents)',
  );
});

test('a request with a sticky key goes where its key goes, and explain says so', async () => {
  const sticky = `${good.slice(0, good.indexOf('---'))}---
apiVersion: serin.dev/v1alpha1
kind: Canary
metadata: {name: stable}
spec: {service: stable, stable: v1, canary: v2, weight: 50, sticky: {cookie: who}}
`;
  const shares = async (...headers: string[]): Promise<string[]> => {
    const args = headers.flatMap((header) => ['--header', header]);
    const { out } = await run(explainCommand(), sticky, '--request', 'GET /a/', '-o', 'json', ...args);
    const { backends } = JSON.parse(out) as { backends: { version: string; share: number }[] };
    return backends.map(({ version, share }) => `${version} ${share}`);
  };
  expect(await shares()).toEqual(['v2 0.5', 'v1 0.5']);
  const each = [];
  for (const key of ['1', '2', '3', '4', '5', '6', '7', '8'])
    each.push(...(await shares(`cookie: a=b; who=${key}`)));
  expect(new Set(each)).toEqual(new Set(['v1 1', 'v2 1']));
});
