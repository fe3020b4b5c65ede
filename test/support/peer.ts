import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

const localPython = fileURLToPath(new URL('../../.peers/venv/bin/python3', import.meta.url));

/** Python with the packages of bench/setup.sh if it has run, else the system's. */
export const python = existsSync(localPython) ? localPython : 'python3';

/** Another program that a test talks to, and the line that installs it. */
export interface Peer {
  readonly name: string;
  /** A command that succeeds when it is there. */
  readonly probe: readonly [string, ...string[]];
  readonly install: string;
}

/** Whether it is installed. */
export function isInstalled(peer: Peer): boolean {
  const [command, ...args] = peer.probe;
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/**
 * A test that needs a peer. Where that is missing it is skipped by name, with the line that installs it; .ci/run counts a skip as a
 * failure.
 */
export function peerTest(peer: Peer, name: string, body: () => Promise<void>): void {
  if (isInstalled(peer)) test(name, body);
  else test(name, (context) => context.skip(`${peer.name} is missing: ${peer.install}`));
}

/** What a program said, and how it ended. */
export interface PeerRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a peer to its end without stopping this process, in which the backends of the test live. */
export function runPeer(command: readonly [string, ...string[]]): Promise<PeerRun> {
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const out: string[] = [];
    const err: string[] = [];
    child.stdout.on('data', (data) => out.push(String(data)));
    child.stderr.on('data', (data) => err.push(String(data)));
    child.once('close', (code) => resolve({ code, out: out.join(''), err: err.join('') }));
  });
}
