import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type GreeterClient, greeterClient } from '../../src/cli/demo/greeter.ts';
import { type Hello, startHello } from '../support/hello.ts';
import { serinCommand, until } from '../support/serin.ts';

const CANARY = 'grpc-server-canary-mapping';
let state = '';
let hello: Hello;
let client: GreeterClient;

beforeEach(async () => {
  state = join(mkdtempSync(join(tmpdir(), 'serin-state-')), 'state');
  hello = await startHello(['--workers', '1', '--state', state]);
  client = greeterClient(hello.serin.listen);
});
afterEach(async () => {
  client.close();
  await hello.stop();
  rmSync(join(state, '..'), { recursive: true });
});

async function canaryCalls(calls: number): Promise<number> {
  let canary = 0;
  for (let i = 0; i < calls; i++) if ((await client.sayHello('e2e')).endsWith('1.1')) canary++;
  return canary;
}

/** Gives a command through the socket; its outcome. */
async function command(...args: string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await serinCommand([...args, '--state', state, '-o', 'json']);
  if (code !== 0) throw new Error(err);
  return JSON.parse(out) as Record<string, unknown>;
}

describe('commands change the weight of a running serin', () => {
  test('and what they have set is served when they return', async () => {
    expect(await command('set-weight', CANARY, '50%')).toEqual({
      name: `${CANARY}.default`,
      before: 20,
      weight: 50,
      state: 'set',
    });
    expect(await canaryCalls(100)).toBe(50);
    await command('promote', CANARY);
    expect(await canaryCalls(20)).toBe(20);
    await command('abort', CANARY);
    expect(await canaryCalls(20)).toBe(0);
    expect(await command('resume', CANARY)).toMatchObject({ before: 0, weight: 20, state: 'as written' });
    expect(await canaryCalls(100)).toBe(20);
  });

  test('paused, what is written is not applied until resume', async () => {
    await command('pause', CANARY);
    hello.write(hello.manifest.replace('weight: 20', 'weight: 60'));
    const admin = `${hello.serin.admin}/api/v1/splits`;
    await until(async () => (await (await fetch(admin)).text()).includes('"specWeight":60'), 3000);
    expect(await (await fetch(admin)).json()).toMatchObject({
      splits: [{ name: `${CANARY}.default`, weight: 20, specWeight: 60, overlay: { state: 'paused' } }],
    });
    expect(await canaryCalls(50)).toBe(10);
    await command('resume', CANARY);
    expect(await canaryCalls(50)).toBe(30);
  });

  test('and a restart keeps it; so does the death of the control process', async () => {
    await command('set-weight', CANARY, '70');
    expect(statSync(join(state, 'admin.sock')).mode & 0o777).toBe(0o600);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    const { control } = await hello.serin.children();
    process.kill(control[0]!, 'SIGKILL');
    await until(async () => {
      const answer = await fetch(`${hello.serin.admin}/readyz`).catch(() => null);
      return answer?.ok === true;
    }, 5000);
    expect(await canaryCalls(50)).toBe(35);
    expect(await command('pause', CANARY)).toMatchObject({ before: 70, weight: 70, state: 'paused' });
  });

  test('and who may not is told how', async () => {
    const { host } = new URL(hello.serin.admin);
    const refused = await serinCommand(['abort', CANARY, '--admin', host]);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/--state DIR.*--admin-token-file/),
    ]);
    const unknown = await serinCommand(['abort', 'web', '--state', state]);
    expect(unknown.err).toContain(`nothing is called "web": there are mapping/${CANARY}.default`);
    const wrong = await serinCommand(['set-weight', CANARY, '120', '--state', state]);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('0 to 100')]);
    const nobody = await serinCommand(['abort', CANARY, '--state', join(state, 'x')]);
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('no serin answers')]);
    expect(await canaryCalls(50)).toBe(10);
  });
});
