import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** A program that runs beside the tests, its output in a file. */
export interface Program {
  readonly pid: number;
  /** How it ended: its exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  readonly running: boolean;
  /** Everything that it has written since it began. */
  log(): string;
  /** Sends a signal to it, and resolves when it has ended. */
  kill(signal: NodeJS.Signals): Promise<number | string>;
}

/** Starts a program; its output is added to `logFile`. */
export function startProgram(
  command: readonly [string, ...string[]],
  logFile: string,
  environment: NodeJS.ProcessEnv = process.env,
): Program {
  const [file, ...args] = command;
  const log = openSync(logFile, 'a');
  const child: ChildProcess = spawn(file, args, { stdio: ['ignore', log, log], env: environment });
  closeSync(log);
  let running = true;
  const ended = new Promise<number | string>((resolve) => {
    const end = (how: number | string) => {
      running = false;
      resolve(how);
    };
    child.once('exit', (code, signal) => end(code ?? signal ?? 0));
    child.once('error', (error) => end(error.message));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    get running() {
      return running;
    },
    log: () => readFileSync(logFile, 'utf8'),
    kill: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** What a program said, and how it ended. */
export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end. @param input what it reads. */
export function runProgram(
  command: readonly [string, ...string[]],
  input = '',
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Finished> {
  const [file, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => err.push(data));
    child.once('error', reject);
    // It may end without having read all of its input.
    child.stdin.on('error', () => {});
    child.once('close', (code) =>
      resolve({ code, out: `${Buffer.concat(out)}`, err: `${Buffer.concat(err)}` }),
    );
    child.stdin.end(input);
  });
}

/** Runs a program that must succeed, and gives what it said. Throws its error output otherwise. */
export async function mustRun(command: readonly [string, ...string[]], input = ''): Promise<string> {
  const { code, out, err } = await runProgram(command, input);
  if (code !== 0) throw new Error(`${command.join(' ')}: exit code ${code}: ${err || out}`);
  return out;
}
