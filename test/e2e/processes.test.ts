import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { greeterClient } from '../../src/cli/demo/greeter.ts';
import { type Hello, startHello } from '../support/hello.ts';
import { monotone, scrape, sum } from '../support/scrape.ts';
import { alive, serinCommand, until } from '../support/serin.ts';

const running: Hello[] = [];
afterEach(async () => {
  for (const hello of running.splice(0)) await hello.stop();
});

async function start(args: readonly string[]): Promise<Hello> {
  const hello = await startHello(args);
  running.push(hello);
  return hello;
}

/** Whether a port can be bound. */
function isFree(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(Number(address.split(':').at(-1)), '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function call(hello: Hello, n: number): Promise<{ answered: number; failed: number }> {
  const result = { answered: 0, failed: 0 };
  const lanes = Array.from({ length: 8 }, async () => {
    const client = greeterClient(hello.serin.listen);
    for (let i = 0; i < n / 8; i++) {
      await client.sayHello('x').then(
        () => result.answered++,
        () => result.failed++,
      );
    }
    client.close();
  });
  await Promise.all(lanes);
  return result;
}

describe('processes', () => {
  test('a worker that is killed is replaced and counted, and no series decreases (report 21)', async () => {
    const hello = await start(['--workers', '2']);
    let answered = 0;
    let before = new Map<string, number>();
    let scrapes = 0;
    let scraping = true;
    const watch = (async () => {
      while (scraping) {
        const now = monotone(await scrape(hello.serin.admin));
        for (const [name, value] of before) expect(now.get(name) ?? 0, name).toBeGreaterThanOrEqual(value);
        before = now;
        scrapes++;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    answered += (await call(hello, 1000)).answered;
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { workers } = await hello.serin.children();
    expect(workers.length).toBe(2);
    const during = call(hello, 2000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.kill(workers[0]!, 'SIGKILL');
    const cut = await during;
    answered += cut.answered;
    await until(async () => (await hello.serin.children()).workers.length === 2, 5000);
    answered += (await call(hello, 1000)).answered;
    await new Promise((resolve) => setTimeout(resolve, 300));
    scraping = false;
    await watch;
    const samples = await scrape(hello.serin.admin);
    const counted = sum(samples, 'serin_requests_total');
    expect(sum(samples, 'serin_worker_deaths_total')).toBe(1);
    expect(sum(samples, 'serin_workers')).toBe(2);
    expect(sum(samples, 'serin_requests_in_flight')).toBe(0);
    expect(sum(samples, 'serin_request_duration_seconds_count')).toBe(counted);
    // Short by at most what the dead worker had not yet reported: its part of 100 ms.
    expect(counted).toBeLessThanOrEqual(answered + cut.failed);
    expect(counted).toBeGreaterThan(answered - 600);
    expect(cut.failed).toBeLessThanOrEqual(8);
    expect(scrapes).toBeGreaterThan(20);
  });

  test('the control process dies: calls go on, a new one takes over with all counts and follows the files', async () => {
    const hello = await start(['--workers', '2']);
    expect((await call(hello, 400)).failed).toBe(0);
    await until(async () => sum(await scrape(hello.serin.admin), 'serin_requests_total') === 400, 2000);
    const [control] = (await hello.serin.children()).control;
    process.kill(control!, 'SIGKILL');
    expect(await call(hello, 400)).toEqual({ answered: 400, failed: 0 });
    await until(
      async () => (await fetch(`${hello.serin.admin}/readyz`).catch(() => null))?.ok === true,
      10_000,
    );
    await until(async () => sum(await scrape(hello.serin.admin), 'serin_requests_total') === 800, 2000);
    expect((await hello.serin.children()).control[0]).not.toBe(control);
    hello.write(hello.withoutCanary);
    await until(
      async () => sum(await scrape(hello.serin.admin), 'serin_split_weight', 'role="canary"') === 0,
      2000,
    );
    expect((await call(hello, 80)).failed).toBe(0);
  });

  test('the parent killed outright leaves no process and no taken port', async () => {
    const hello = await start(['--workers', '2']);
    const { control, workers } = await hello.serin.children();
    expect([control.length, workers.length]).toEqual([1, 2]);
    hello.serin.kill('SIGKILL');
    await hello.serin.ended;
    await until(() => [...control, ...workers].every((pid) => !alive(pid)), 2000);
    expect(await isFree(hello.serin.listen)).toBe(true);
    expect(await isFree(hello.serin.admin)).toBe(true);
  });

  test('SIGTERM: not ready at once, still served during the delay, no call lost, exit code 0', async () => {
    const hello = await start(['--workers', '2', '--drain-delay', '700ms', '--drain-timeout', '5s']);
    const client = greeterClient(hello.serin.listen);
    await client.sayHello('x');
    hello.serin.kill('SIGTERM');
    await until(async () => (await fetch(`${hello.serin.admin}/readyz`)).status === 503, 400);
    await client.sayHello('during the delay');
    expect(await hello.serin.ended).toBe(0);
    client.close();
    expect(await isFree(hello.serin.listen)).toBe(true);
  });
});

describe('output that is no terminal’s', () => {
  test('has no colours, in CI too, unless they are forced', () => {
    const routes = (environment: Record<string, string>): string => {
      const { CI: _, FORCE_COLOR: __, NO_COLOR: ___, ...rest } = process.env;
      const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
      const args = [main, 'routes', fileURLToPath(new URL('../../examples/hello-grpc', import.meta.url))];
      return spawnSync(process.execPath, args, { env: { ...rest, ...environment }, encoding: 'utf8' }).stdout;
    };
    expect(routes({ CI: 'true' })).toMatch(/^ROUTE /);
    expect(routes({ FORCE_COLOR: '1' })).toContain('\x1b[2mROUTE ');
    expect(routes({ FORCE_COLOR: '1', NO_COLOR: '1' })).toMatch(/^ROUTE /);
  });
});

describe('a wrong call is one clear line and exit code 2', () => {
  test.each([
    [['run', '/no/such/path'], /\/no\/such\/path/],
    [['run'], /name the manifests .* or follow a cluster with --kubernetes/],
    [['run', '.', '--worker', '3'], /Did you mean --workers\?/],
    [['run', '.', '--listen', 'x'], /Write HOST:PORT/],
    [['runn'], /Did you mean run\?/],
    [['run', '.', '--kubernetes'], /--kubernetes takes no paths/],
    [['run', '.', '--zone', 'a'], /--zone needs --kubernetes/],
    [['run', '--kubernetes', '--selector', 'a b'], /no requirement of a label selector/],
    [['run', '--kubernetes', '--allow-backend', '10.0.0.0/40'], /no length of a prefix/],
    [['run', '.', '--data-plane', 'envoy'], /not in this version/],
    [['status', '--admin', '127.0.0.1:1'], /serin run/],
  ])('serin %j', async (args, line) => {
    const { code, err } = await serinCommand(args);
    expect(code).toBe(2);
    expect(err).toMatch(line);
    expect(err.trim().split('\n').length).toBeLessThanOrEqual(2);
  });

  test('a port that is taken', async () => {
    const hello = await start(['--workers', '1']);
    const admin = new URL(hello.serin.admin).host;
    const taken = await serinCommand(['run', hello.file, '--listen', '127.0.0.1:1', '--admin', admin]);
    expect(taken.code).toBe(2);
    expect(taken.err).toMatch(/--admin .*the port is taken/);
    const listen = await serinCommand([
      'run',
      hello.file,
      '--listen',
      hello.serin.listen,
      '--admin',
      '127.0.0.1:28877',
    ]);
    expect(listen.code).toBe(2);
    expect(listen.err).toContain(`${hello.serin.listen}: the port is taken`);
  });

  test('help and version are 0', async () => {
    expect((await serinCommand(['--version'])).code).toBe(0);
    const help = await serinCommand(['run', '--help']);
    expect(help.code).toBe(0);
    expect(help.out).toContain('Examples:');
  });
});
