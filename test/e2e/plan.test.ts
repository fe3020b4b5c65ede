import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'serin-plugin-'));
afterAll(() => rmSync(folder, { recursive: true }));
/** A cluster at an address where nobody listens. */
const kubeconfig = join(folder, 'kubeconfig');
writeFileSync(
  kubeconfig,
  JSON.stringify({
    'current-context': 'away',
    clusters: [{ name: 'away', cluster: { server: 'https://127.0.0.1:1' } }],
    contexts: [{ name: 'away', context: { cluster: 'away', user: 'nobody' } }],
    users: [{ name: 'nobody', user: { token: 'none' } }],
  }),
);

/** Runs a program to its end. */
function run(file: string, args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    execFile(file, args, { env }, (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }));
  });
}

const serin = (...args: string[]) => run(process.execPath, [join(root, 'dist/cli/main.js'), ...args]);

test('package.json has the same program under two names, and kubectl-serin is kubectl’s plugin', async () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(bin['kubectl-serin']).toBe(bin.serin);
  const plugin = join(folder, 'kubectl-serin');
  symlinkSync(join(root, bin['kubectl-serin']), plugin);
  expect((await run(plugin, ['--help'])).out).toMatch(/^Usage: kubectl serin /);
  // As a plugin it means a cluster without being told.
  const { code, err } = await run(plugin, ['set-weight', 'web', '7%']);
  expect(code).toBe(1);
  expect(err).toMatch(/^serin: the API server 127\.0\.0\.1:1 cannot be reached/);
});

test('serin plan: a table, the nearest last, and the Canary that holds the weight', async () => {
  const { code, out } = await serin(
    'plan',
    'shop.default',
    '--weight',
    '7%',
    '--stable',
    '3',
    '--canary',
    '1',
  );
  expect(code).toBe(0);
  const lines = out.split('\n');
  expect(lines[0]).toMatch(/^plan +stable +canary +pods +more pods +share +error$/);
  expect(lines[1]).toMatch(/^today +3 +1 +4 +- +25 % +\+18 points$/);
  expect(lines).toContainEqual(expect.stringMatching(/^7 +93 +7 +100 +\+96 +7 % +0 points$/));
  expect(out).toContain(
    'kind: Canary\nmetadata:\n  name: shop\n  namespace: default\nspec:\n  service: shop\n',
  );
  expect(out).toContain('A Canary holds 7 % of the calls of shop.default whatever the replicas');
});

test('serin plan -o json: the autoscalers’ range, and a manifest that serin itself takes', async () => {
  const args = ['plan', 'shop', '--weight=20', '--stable=3', '--canary=1', '--stable-hpa=2-10', '-o', 'json'];
  const { out } = await serin(...args, '--max-pods', '5');
  const report = JSON.parse(out);
  expect(report.today).toMatchObject({ share: 25, error: 5, autoscaled: { from: 9.0909, to: 33.3333 } });
  expect(report.plans.at(-1)).toMatchObject({ stable: 4, canary: 1, pods: 5, extraPods: 1, error: 0 });
  expect(report.canary.spec).toEqual({ service: 'shop', stable: 'v1', canary: 'v2', weight: 20 });
  const manifest = join(folder, 'canary.json');
  writeFileSync(manifest, JSON.stringify(report.canary));
  expect(await serin('check', manifest)).toMatchObject({ code: 0 });
});

test.each([
  [['plan', 'shop'], /--weight/],
  [['plan', 'shop', '--weight', '7'], /--stable N --canary M, or ask the cluster/],
  [['plan', 'shop', '--weight', '101'], /Write percent/],
  [['plan', 'shop', '--weight', '7', '--stable', '1', '--canary', '1', '--stable-hpa', '5-2'], /MIN-MAX/],
])('a wrong call is exit code 2: %s', async (args, message) => {
  const { code, err } = await serin(...args);
  expect(code).toBe(2);
  expect(err).toMatch(message);
});
