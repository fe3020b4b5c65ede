import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../../src/cli/demo/free-port.ts';
import { scrape, sum } from '../support/scrape.ts';
import { alive, type RunningSerin, startSerin, until } from '../support/serin.ts';

const running: RunningSerin[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const serin of running.splice(0)) await serin.stop();
});

const folder = mkdtempSync(join(tmpdir(), 'serin-accept-'));
const file = join(folder, 'listeners.yaml');

/** Writes Listeners down; there is no route, so the answer is the gateway's own. */
function write(listeners: Readonly<Record<string, number>>): void {
  const documents = Object.entries(listeners).map(
    ([name, port]) =>
      `---\napiVersion: getambassador.io/v3alpha1\nkind: Listener\nmetadata: {name: ${name}}\nspec: {port: ${port}, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}\n`,
  );
  writeFileSync(file, documents.join(''));
}

async function start(...args: readonly string[]): Promise<RunningSerin> {
  const serin = await startSerin([file, ...args], {}, 'manifests');
  running.push(serin);
  return serin;
}

/** Connects and asks; resolves with the status of the answer, or the error's code. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    });
    sockets.push(socket);
    socket.once('data', (data) => resolve(data.toString('latin1', 9, 12)));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.once('close', () => resolve('closed'));
  });
}

const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('workers accept from the ports of the parent', () => {
  test('a worker that stands still leaves connections in the kernel, not in the parent', async () => {
    const port = await freePort(0);
    write({ a: port });
    const serin = await start('--workers', '1');
    const [worker] = (await serin.children()).workers;
    process.kill(worker!, 'SIGSTOP');
    const before = descriptors(serin.pid);
    const asked = Array.from({ length: 20 }, () => ask(port));
    await sleep(300);
    expect(descriptors(serin.pid)).toBeLessThan(before + 5);
    process.kill(worker!, 'SIGCONT');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['404']));
    const opened = async () =>
      sum(await scrape(serin.admin), 'serin_connections_opened_total', 'side="downstream"');
    await until(async () => (await opened()) === 20, 2000);
  });

  test('--accept workers: two workers share a port; one dies, nobody is refused', async () => {
    const port = await freePort(0);
    write({ a: port });
    const serin = await start('--workers', '2', '--accept', 'workers');
    const { workers } = await serin.children();
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => ask(port))))).toEqual(
      new Set(['404']),
    );
    for (const worker of workers) process.kill(worker, 'SIGKILL');
    const asked: Promise<string>[] = [];
    for (let i = 0; i < 50; i++) {
      asked.push(ask(port));
      await sleep(5);
    }
    // One that a worker had accepted just as it was killed went with it.
    const answers = await Promise.all(asked);
    expect(answers.filter((answer) => answer === 'ECONNREFUSED')).toEqual([]);
    expect(answers.filter((answer) => answer === '404').length).toBeGreaterThan(45);
    await until(async () => (await serin.children()).workers.length === 2, 5000);
    const replaced = (await serin.children()).workers;
    serin.kill('SIGKILL');
    await serin.ended;
    await until(() => replaced.every((pid) => !alive(pid)), 2000);
    expect(await ask(port)).toBe('ECONNREFUSED');
  });

  test('--accept parent with one worker: as with several', async () => {
    const port = await freePort(0);
    write({ a: port });
    const serin = await start('--workers', '1', '--accept', 'parent');
    const [worker] = (await serin.children()).workers;
    process.kill(worker!, 'SIGSTOP');
    const before = descriptors(serin.pid);
    const asked = Array.from({ length: 20 }, () => ask(port));
    await until(() => descriptors(serin.pid) > before + 10, 2000);
    process.kill(worker!, 'SIGCONT');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['404']));
  });

  test('Listeners are added, renamed and removed while running, and wait on SIGTERM for nothing', async () => {
    const [first, second] = [await freePort(0), await freePort(0)];
    write({ a: first });
    const serin = await start('--workers', '2', '--accept', 'workers');
    expect([await ask(first), await ask(second)]).toEqual(['404', 'ECONNREFUSED']);
    write({ renamed: first, b: second });
    await until(async () => (await ask(second)) === '404', 3000);
    expect(await ask(first)).toBe('404');
    write({ b: second });
    await until(async () => (await ask(first)) === 'ECONNREFUSED', 3000);
    expect(await ask(second)).toBe('404');
    // The replaced worker has the ports of now.
    process.kill((await serin.children()).workers[0]!, 'SIGKILL');
    write({ a: first, b: second });
    await until(async () => (await ask(first)) === '404', 3000);
    await until(async () => (await serin.children()).workers.length === 2, 5000);
    expect(await ask(second)).toBe('404');
    const began = performance.now();
    expect(await serin.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(2000);
    expect([await ask(first), await ask(second)]).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
  });
});
