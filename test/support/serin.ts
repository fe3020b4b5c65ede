import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/cli/demo/free-port.ts';

const main = process.env.SERIN_MAIN ?? fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A running `serin run` of the build in dist/, on free ports. */
export interface RunningSerin {
  readonly pid: number;
  readonly listen: string;
  readonly admin: string;
  /** Everything that it has written so far. */
  log(): string;
  /** Pids of its control process and its workers, of those that live. */
  children(): Promise<{ control: number[]; workers: number[] }>;
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and waits until it has gone. */
  stop(): Promise<number | null>;
}

/**
 * Starts `serin run` and waits until it is ready.
 * @param ports `one`: a free port takes the place of all Listeners'; `manifests`: the manifests' own.
 */
export async function startSerin(
  args: readonly string[],
  environment: Record<string, string> = {},
  ports: 'one' | 'manifests' = 'one',
): Promise<RunningSerin> {
  if (!existsSync(main)) throw new Error('dist/ is missing: npm run build');
  const listen = `127.0.0.1:${await freePort(0)}`;
  const admin = `127.0.0.1:${await freePort(0)}`;
  const listening = ports === 'one' ? ['--listen', listen] : [];
  const child = spawn(
    process.execPath,
    [main, 'run', ...args, ...listening, '--admin', admin, '--log-format', 'json'],
    { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = collect(child.stdout, child.stderr);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const serin: RunningSerin = {
    pid: child.pid!,
    listen,
    admin: `http://${admin}`,
    log,
    children: () => childrenOf(child.pid!),
    ended,
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`serin ended with ${child.exitCode}: ${log()}`);
    return (await fetch(`http://${admin}/readyz`).catch(() => null))?.ok === true;
  }, 20_000).catch((error: Error) => {
    child.kill('SIGKILL');
    throw new Error(`${error.message}; its log: ${log()}`);
  });
  return serin;
}

/** Runs a command to its end. */
export async function serinCommand(
  args: readonly string[],
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out: out(), err: err() };
}

/** Collects what streams write. */
function collect(...streams: readonly Readable[]): () => string {
  const parts: string[] = [];
  for (const stream of streams) stream.on('data', (data) => parts.push(String(data)));
  return () => parts.join('');
}

/** Waits until something is true; rejects after so many milliseconds. */
export async function until(what: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await what())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Whether a process is alive. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function childrenOf(parent: number): Promise<{ control: number[]; workers: number[] }> {
  const { readFile, readdir } = await import('node:fs/promises');
  const found = { control: [] as number[], workers: [] as number[] };
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(ppid) !== parent || state === 'Z') continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('worker-main')) found.workers.push(Number(pid));
    if (command.includes('control-main')) found.control.push(Number(pid));
  }
  return found;
}
