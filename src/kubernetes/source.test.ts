import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { KubernetesSource } from './source.ts';

const folder = mkdtempSync(join(tmpdir(), 'serin-source-'));
const options = { context: null, namespace: null, selector: null, watchSilenceMs: null };

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test('a source that is stopped before the cluster was reached never says that there is nothing', async () => {
  const file = join(folder, 'config');
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'u', user: { token: 'none' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  vi.stubEnv('KUBECONFIG', file);
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '');
  const source = new KubernetesSource(options, { changed: () => {}, problem: () => {} });
  await source.connect();
  let told: readonly unknown[] | null = null;
  void source.start().then((all) => {
    told = all;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  source.stop();
  // Longer than the first wait between two tries.
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(told).toBeNull();
});
