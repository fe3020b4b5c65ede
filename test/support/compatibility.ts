import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isInstalled, type Peer, peerTest } from './peer.ts';

/** Lengths of bodies that every client and backend is tried with. */
export const bodyLengths: readonly number[] = [0, 1, 65_536, 10 * 1024 * 1024];

/** What a run of a peer has shown: its version, and for each case '' or what was wrong. */
export interface Shown {
  readonly version: string;
  readonly cases: ReadonlyMap<string, string>;
}

/** A row of docs/compatibility.md, and how it is tried. */
export interface Row {
  readonly peer: Peer;
  /** As the page has them. */
  readonly name: string;
  readonly protocols: string;
  readonly cases: readonly string[];
  run(): Promise<Shown>;
}

const page = new URL('../../docs/compatibility.md', import.meta.url);
/** Rewrites the page's rows by what was run, in place of comparing them. */
const rewrites = process.env.SERIN_REWRITE_DOCS !== undefined;

type Cells = [side: string, name: string, version: string, protocols: string, cases: string, outcome: string];

function rowsOf(text: string): Cells[] {
  return [...text.matchAll(/^\| (client|backend) \|.*\|$/gm)].map(
    ([line]) => line.slice(2, -2).split(' | ') as Cells,
  );
}

/**
 * Makes a test of each row, and one of the page: it has to have just these rows, and what they came to. The version is the one
 * that was there when the page was written; another one is no failure.
 */
export function testRows(side: 'client' | 'backend', rows: readonly Row[]): void {
  const shown = new Map<Row, Shown>();
  for (const row of rows) {
    peerTest(row.peer, `${row.name}, ${row.protocols}`, async () => {
      const result = await row.run();
      shown.set(row, result);
      const wrong = [...result.cases].filter(([, why]) => why !== '');
      expect(Object.fromEntries(wrong)).toEqual({});
      expect(new Set(result.cases.keys())).toEqual(new Set(row.cases));
    });
  }

  test('docs/compatibility.md says so', () => {
    const text = readFileSync(page, 'utf8');
    const said = rowsOf(text).filter((cells) => cells[0] === side);
    const seen = rows.map((row): Cells => {
      const { name, protocols, cases } = row;
      const before = said.find((cells) => cells[1] === name && cells[3] === protocols);
      const result = shown.get(row);
      // Where it was not run, the page keeps what it says.
      const version = (rewrites ? result?.version : undefined) ?? before?.[2] ?? result?.version ?? '';
      const outcome = result === undefined ? (before?.[5] ?? '') : outcomeOf(result);
      return [side, name, version, protocols, cases.join(', '), outcome];
    });
    if (!rewrites) return expect(said).toEqual(seen);
    const others = rowsOf(text).filter((cells) => cells[0] !== side);
    const all = side === 'client' ? [...seen, ...others] : [...others, ...seen];
    const lines = all.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
    const head = /^(\| side .*\n\|---.*\n)(?:\|.*\n)*/m;
    expect(text).toMatch(head);
    writeFileSync(
      page,
      text.replace(head, (_, start: string) => start + lines),
    );
  });
}

function outcomeOf({ cases }: Shown): string {
  const right = [...cases.values()].filter((why) => why === '').length;
  return right === cases.size ? `all ${right}` : `${right} of ${cases.size}`;
}

/** What several runs of the same cases have shown together. */
export function together(runs: readonly Shown[]): Shown {
  const cases = new Map<string, string>();
  for (const run of runs)
    for (const [name, why] of run.cases) {
      const before = cases.get(name) ?? '';
      cases.set(name, before === '' ? why : before);
    }
  return { version: runs[0]?.version ?? '', cases };
}

/** Runs functions as cases. */
export async function showCases(
  version: string,
  cases: Readonly<Record<string, () => Promise<void>>>,
): Promise<Shown> {
  const shown = new Map<string, string>();
  for (const [name, run] of Object.entries(cases)) {
    shown.set(
      name,
      await run().then(
        () => '',
        (error: Error) => error.message,
      ),
    );
  }
  return { version, cases: shown };
}

/** What a program wrote, as bytes, and how it ended. */
export interface BytesRun {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** A peer that takes longer hangs. */
const longestRunMs = 20_000;

/** Runs a program to its end. @param input what it reads. */
export function runBytes(command: readonly [string, ...string[]], input?: Uint8Array): Promise<BytesRun> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    // A proxy that the environment names is none of these tests' business.
    const env = { ...process.env, no_proxy: '*', NO_PROXY: '*' };
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env, timeout: longestRunMs });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => err.push(data));
    child.once('error', reject);
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('close', (code) =>
      resolve({ code, out: Buffer.concat(out), err: Buffer.concat(err).toString('latin1') }),
    );
  });
}

/** Runs a client that prints `{"version": …}` and then `{"case": …, "why": …}`, one a line. */
export async function runClient(command: readonly [string, ...string[]]): Promise<Shown> {
  const { code, out, err } = await runBytes(command);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${err}${out}`);
  const [first, ...lines] = out
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { version: string; case: string; why: string });
  return { version: first!.version, cases: new Map(lines.map((line) => [line.case, line.why])) };
}

/** What a program says of its version. @param pattern whose first group it is; '' where the program is not there. */
export async function versionOf(
  peer: Peer,
  command: readonly [string, ...string[]],
  pattern: RegExp,
): Promise<string> {
  if (!isInstalled(peer)) return '';
  const { out, err } = await runBytes(command);
  return pattern.exec(`${out}${err}`)?.[1] ?? '';
}
