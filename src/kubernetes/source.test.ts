import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { type OddServer, say, startOddServer } from '../../test/support/api-server.ts';
import { KubernetesSource } from './source.ts';

const folder = mkdtempSync(join(tmpdir(), 'serin-source-'));
let source: KubernetesSource | null = null;
let server: OddServer | null = null;
/** Objects of which it was told that they are gone. */
let gone: string[] = [];
const options = { context: null, namespace: null, selector: null, watchSilenceMs: null };

afterEach(() => {
  source?.stop();
  server?.close();
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A source that follows what is at an address. */
async function connect(address: string): Promise<KubernetesSource> {
  const file = join(folder, 'config');
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: address, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 'none' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  vi.stubEnv('KUBECONFIG', file);
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '');
  gone = [];
  source = new KubernetesSource(options, {
    changed: (changes) =>
      gone.push(...changes.filter(({ object }) => object === null).map(({ path }) => path)),
    problem: () => {},
  });
  await source.connect();
  return source;
}

/** Follows an API server that serves Services with one `web`, Mappings in two versions, and nothing else. */
async function follow(
  refuses: (url: URL) => { status: number; message: string } | null,
  more: (url: URL, response: ServerResponse) => boolean = () => false,
) {
  const resources = [{ resource: 'mappings' }];
  server = await startOddServer((url, response) => {
    if (url.pathname === '/readyz') return void response.end('ok');
    if (url.pathname === '/apis') {
      const versions = ['v3alpha1', 'v2'].map((version) => ({ version, resources }));
      const items = [{ metadata: { name: 'getambassador.io' }, versions }];
      return say(response, { kind: 'APIGroupDiscoveryList', items });
    }
    if (more(url, response)) return;
    if (url.searchParams.has('watch')) return void response.writeHead(200).flushHeaders();
    const refusal = refuses(url);
    if (refusal !== null) return say(response, { kind: 'Status', ...refusal }, refusal.status);
    const isService = url.pathname.endsWith('/services');
    const isMapping = url.pathname.endsWith('/mappings');
    const items = isService || isMapping ? [{ metadata: { name: 'web', namespace: 'shop' } }] : [];
    say(response, { metadata: { resourceVersion: '7' }, items });
  });
  return connect(server.credentials.server.href);
}

test('a source that is stopped before the cluster was reached never says that there is nothing', async () => {
  const source = await connect('https://127.0.0.1:1');
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

test('an API server that fails for some seconds at the start is waited for', async () => {
  const began = performance.now();
  const source = await follow(({ pathname }) =>
    pathname.endsWith('/services') && performance.now() - began < 3000
      ? { status: 500, message: 'etcdserver: request timed out' }
      : null,
  );
  const all = await source.start();
  expect(all.map(({ path }) => path).sort()).toEqual(['Mapping web.shop', 'Service web.shop']);
});

test('a version that cannot be converted to at the start is left for another one', async () => {
  const source = await follow(({ pathname }) =>
    pathname.includes('/v3alpha1/') ? { status: 500, message: 'conversion webhook failed' } : null,
  );
  const all = await source.start();
  expect(all.find(({ path }) => path === 'Mapping web.shop')?.object).toMatchObject({
    apiVersion: 'getambassador.io/v2',
  });
});

test('a Secret that the API server does not understand the name of holds up nothing', async () => {
  const source = await follow(({ pathname }) =>
    pathname.endsWith('/secrets') ? { status: 400, message: 'invalid field selector' } : null,
  );
  await source.start();
  const began = performance.now();
  await source.retainSecrets(new Set(['shop/a\\b']));
  expect(performance.now() - began).toBeLessThan(1000);
});

test('what went while no version could be read is gone once one can', async () => {
  let phase: 'good' | 'broken' | 'mended' = 'good';
  const source = await follow(
    ({ pathname }) =>
      phase === 'broken' && pathname.endsWith('/mappings')
        ? { status: 500, message: 'conversion webhook failed' }
        : null,
    (url, response) => {
      const isWatch = url.searchParams.has('watch');
      if (!url.pathname.endsWith('/mappings') || phase !== 'good') return false;
      // The watch breaks, and from then on nothing can be converted.
      if (isWatch) phase = 'broken';
      if (isWatch) say(response, { kind: 'Status', code: 410 }, 410);
      const items = ['web', 'old'].map((name) => ({ metadata: { name, namespace: 'shop' } }));
      if (!isWatch) say(response, { metadata: { resourceVersion: '7' }, items });
      return true;
    },
  );
  await source.start();
  const lists = (): string[] => server!.asked.filter((line) => line.includes('/mappings?limit'));
  await vi.waitFor(() => expect(lists().some((line) => line.includes('/v2/'))).toBe(true), 5000);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  // Two tries of each, and then of one, more and more seldom.
  expect(lists().length).toBeLessThan(13);
  phase = 'mended';
  await vi.waitFor(() => expect(gone).toEqual(['Mapping old.shop']), 10_000);
});
