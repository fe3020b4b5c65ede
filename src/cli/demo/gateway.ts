import { type ChildProcess, fork } from 'node:child_process';
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A `serin run` of our own. */
export interface Gateway {
  /** Ends it: the signal of a terminal may have reached it already; else it is told now. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Resolves with the exit code if it ends by itself. */
  readonly ended: Promise<number | null>;
}

/** How long a signal of the terminal may take to end it before it is told by us, in milliseconds. */
const GRACE_MS = 500;

/** Starts `serin run` with these arguments, its log in a file. When this process goes, it goes too (its IPC channel closes). */
export function startGateway(args: readonly string[], logFile: string): Gateway {
  const log = openSync(logFile, 'a');
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const child = fork(main, ['run', ...args], { stdio: ['ignore', log, log, 'ipc'] });
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  return { ended, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<number | null>): Promise<void> {
  const soon = new Promise((resolve) => setTimeout(resolve, GRACE_MS));
  await Promise.race([ended, soon]);
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  await ended;
}
