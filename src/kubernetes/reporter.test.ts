import { afterEach, expect, test, vi } from 'vitest';
import { type OddServer, say, startOddServer } from '../../test/support/api-server.ts';
import type { CanaryState } from '../compiler/canaries/canary-state.ts';
import { ApiClient } from './api-client.ts';
import type { ClusterProblem } from './problems.ts';
import { type KnownObjects, Reporter } from './reporter.ts';

let server: OddServer | null = null;
let reporter: Reporter | null = null;
afterEach(async () => {
  await reporter?.stop();
  server?.close();
});

const canary = (name: string): CanaryState => ({
  name,
  namespace: 'shop',
  generation: 1,
  target: 'Service web.shop',
  targetName: 'web.shop',
  port: null,
  revision: 'version=v2',
  weight: 20,
  specWeight: 20,
  overlay: null,
  versions: null,
  others: [],
  conditions: [],
});
const about = (kind: string, path: string) => {
  const [, name = '', namespace = ''] = /^\w+ (.+)\.(\w+)$/.exec(path) ?? [];
  return { apiVersion: 'getambassador.io/v2', kind, name, namespace, uid: path, resourceVersion: '1' };
};
const known: KnownObjects = {
  reference: (path) => about('Canary', path),
  status: () => ({}),
  referencesOf: (kind) => [[`${kind} web.shop`, about(kind, `${kind} web.shop`)]],
};

test('that one status is refused keeps no other one from being written, and is told', async () => {
  const written: string[] = [];
  server = await startOddServer((url, response, request) => {
    if (url.pathname.includes('/leases')) {
      if (request.method === 'GET') return say(response, { kind: 'Status' }, 404);
      return say(response, {});
    }
    if (request.method === 'PATCH') written.push(url.pathname.replace(/^.*namespaces/, ''));
    if (url.pathname.includes('/a/')) return say(response, { message: 'a is invalid' }, 422);
    if (url.pathname.includes('/mappings/')) return say(response, { message: 'forbidden' }, 403);
    say(response, {});
  });
  const problems = new Map<string, ClusterProblem | null>();
  const identity = { name: 'one', namespace: 'serin', pod: null };
  reporter = new Reporter(new ApiClient(server.credentials), identity, known, true, (what, problem) =>
    problems.set(what, problem),
  );
  reporter.start();
  const states = ['a', 'b', 'c'].map(canary);
  reporter.take({ issues: [], canaries: states, observedShare: () => null });
  await vi.waitFor(() => expect(written).toContain('/shop/canaries/c/status'), 5000);
  expect(written.slice(0, 4)).toEqual([
    '/shop/mappings/web/status',
    '/shop/canaries/a/status',
    '/shop/canaries/b/status',
    '/shop/canaries/c/status',
  ]);
  await vi.waitFor(() => expect(problems.get('statuses of Canaries')?.message).toContain('a is invalid'));
  // The first refusal is not told: an API server that starts refuses everything for a moment.
  const help = () => problems.get('statuses of Mappings')?.help ?? '';
  await vi.waitFor(() => expect(help()).toContain('mappings/status'), 5000);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  // What is refused is not tried again with every tick.
  expect(written.filter((path) => path.includes('/a/'))).toHaveLength(1);
});
