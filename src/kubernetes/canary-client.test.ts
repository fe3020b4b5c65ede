import { afterEach, expect, test } from 'vitest';
import { type OddServer, say, startOddServer } from '../../test/support/api-server.ts';
import { ApiClient } from './api-client.ts';
import { commandCanary, waitApplied } from './canary-client.ts';

let server: OddServer | null = null;
afterEach(() => server?.close());

/** A cluster with these Canaries, `namespace/name`. */
async function clusterWith(...canaries: readonly string[]): Promise<ApiClient> {
  server = await startOddServer((url, response) => {
    const [, namespace, name] = /\/namespaces\/([^/]+)\/canaries\/([^/]+)/.exec(url.pathname) ?? [];
    if (!canaries.includes(`${namespace}/${name}`))
      return say(response, { message: 'canaries "x" not found' }, 404);
    say(response, {
      metadata: { name, namespace, resourceVersion: '7' },
      spec: { service: 'web', stable: 'v1', canary: 'v2', weight: 20 },
    });
  });
  return new ApiClient(server.credentials);
}
const pause = async (client: ApiClient, name: string): Promise<string> => {
  const change = await commandCanary(client, name, 'shop', { kind: 'pause' }, 'me');
  return `${change.namespace}/${change.name}`;
};

test('a Canary’s name can have dots', async () => {
  expect(await pause(await clusterWith('shop/web.v2'), 'web.v2')).toBe('shop/web.v2');
  server?.close();
  expect(await pause(await clusterWith('shop/web.v2'), 'canary/web.v2.shop')).toBe('shop/web.v2');
  server?.close();
  expect(await pause(await clusterWith('v2/web'), 'web.v2')).toBe('v2/web');
});

test('what can mean two of them means none', async () => {
  const client = await clusterWith('shop/web.v2', 'v2/web');
  await expect(pause(client, 'web.v2')).rejects.toThrow('write web -n v2, or web.v2.shop');
});

test('who may not look at Leases is told what was written', async () => {
  server = await startOddServer((_url, response) => say(response, { message: 'leases is forbidden' }, 403));
  const applied = await waitApplied(new ApiClient(server.credentials), '7', 1000);
  expect(applied).toEqual({ by: [], waiting: [], unseen: 'leases is forbidden' });
});

test('who is there is told by the cluster’s clock, not by that of whoever asks', async () => {
  const hourAgo = new Date(Date.now() - 3_600_000);
  server = await startOddServer((_url, response) => {
    const spec = { holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: hourAgo.toISOString() };
    const metadata = { annotations: { 'serin.dev/applied': '7' } };
    say(response, { items: [{ metadata, spec }] }, 200, { date: hourAgo.toUTCString() });
  });
  const applied = await waitApplied(new ApiClient(server.credentials), '7', 0);
  expect(applied).toEqual({ by: ['one'], waiting: [], unseen: null });
});
