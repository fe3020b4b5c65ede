import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { type OddServer, say, startOddServer } from '../../../test/support/api-server.ts';
import { statusCommand } from './status.ts';

let server: OddServer | null = null;
afterEach(() => {
  server?.close();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test('who may not look at Leases sees the Canaries all the same', async () => {
  server = await startOddServer((url, response) => {
    if (url.pathname.includes('/leases')) return say(response, { message: 'leases is forbidden' }, 403);
    const metadata = { name: 'web', namespace: 'shop', resourceVersion: '7' };
    const spec = { service: 'web', stable: 'v1', canary: 'v2', weight: 20 };
    say(response, { items: [{ metadata, spec }] });
  });
  const file = `${mkdtempSync(`${tmpdir()}/serin-status-`)}/config`;
  const cluster = { server: server.credentials.server.href, 'insecure-skip-tls-verify': true };
  writeFileSync(
    file,
    JSON.stringify({
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: 'none' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  vi.stubEnv('KUBECONFIG', file);
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  await statusCommand().exitOverride().parseAsync(['--context', 'x'], { from: 'user' });
  expect(lines[0]).toContain('web.shop');
  expect(lines.at(-1)).toContain('not known: leases is forbidden');
});
