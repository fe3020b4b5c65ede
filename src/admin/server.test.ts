import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startAdmin, startAdminSocket } from './server.ts';
import type { AdminState } from './state.ts';

const state = { readiness: () => ({ ready: true, why: 'ready' }) } as unknown as AdminState;

test('a taken port and a bad token file are one readable line', async () => {
  const first = await startAdmin(state, { address: '127.0.0.1', port: 0, tokenFile: null });
  const port = Number(new URL(first.url).port);
  expect(await (await fetch(`${first.url}/readyz`)).text()).toBe('ready\n');
  await expect(startAdmin(state, { address: '127.0.0.1', port, tokenFile: null })).rejects.toThrow(
    `--admin 127.0.0.1:${port}: the port is taken`,
  );
  first.close();
  const short = join(mkdtempSync(join(tmpdir(), 'serin-')), 'token');
  writeFileSync(short, 'abc\n');
  await expect(startAdmin(state, { address: '127.0.0.1', port: 0, tokenFile: short })).rejects.toThrow(
    '16 characters',
  );
  await expect(startAdmin(state, { address: '127.0.0.1', port: 0, tokenFile: '/nowhere' })).rejects.toThrow(
    '--admin-token-file /nowhere',
  );
});

test('a socket that another gateway answers on is not taken from it, one that is left over is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'serin-'));
  writeFileSync(join(folder, 'left.sock'), '');
  // Of the whole process: a thread may not change it.
  vi.spyOn(process, 'umask').mockReturnValue(0);
  await startAdminSocket(state, join(folder, 'left.sock'));
  await expect(startAdminSocket(state, join(folder, 'left.sock'))).rejects.toThrow('another serin');
});

test('a path that is too long for a socket is refused: it would be cut off, and lie in another folder', async () => {
  const long = join(mkdtempSync(join(tmpdir(), 'serin-')), 'x'.repeat(100), 'admin.sock');
  await expect(startAdminSocket(state, long)).rejects.toThrow('107 bytes');
});
