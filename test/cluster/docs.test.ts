import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from './support/cluster.ts';
import { built, repository, workFolder } from './support/environment.ts';
import { runProgram } from './support/program.ts';

/** A command of a page, with what the page says that it prints. */
interface Shown {
  readonly command: string;
  readonly output: readonly string[];
}

let cluster: Cluster;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  cluster = await startCluster();
  const programs = `${workFolder()}/docs-bin`;
  mkdirSync(programs, { recursive: true });
  const main = `${repository}/dist/cli/main.js`;
  for (const [name, file] of [
    ['kubectl', built.kubectl],
    ['helm', built.helm],
    ['serin', main],
    ['kubectl-serin', main],
  ] as const)
    symlinkSync(file, `${programs}/${name}`);
  environment = {
    ...process.env,
    PATH: `${programs}:${process.env.PATH}`,
    HOME: workFolder(),
    KUBECONFIG: cluster.kubectl.kubeconfig,
    USER: 'you',
    NO_COLOR: '1',
  };
});
afterAll(() => cluster?.stop());

test('docs/kubernetes.md: each command of a console block works, and prints what the page shows', async () => {
  const shown = commandsOf(readFileSync(`${repository}/docs/kubernetes.md`, 'utf8'));
  expect(shown.length).toBeGreaterThan(10);
  for (const { command, output } of shown) {
    const { code, out, err } = await runProgram(
      ['bash', '-c', `cd ${repository}; set -o pipefail; ${command}`],
      '',
      environment,
    );
    const transcript = process.env.SERIN_TRANSCRIPT;
    if (transcript !== undefined) writeFileSync(transcript, `$ ${command}\n${out}${err}`, { flag: 'a' });
    expect({ command, code, err: code === 0 ? '' : err }).toEqual({ command, code: 0, err: '' });
    const lines = `${out}${err}`.split('\n').map(likeness);
    for (const line of output)
      expect({ command, lines }).toEqual({ command, lines: expect.arrayContaining([likeness(line)]) });
  }
});

/** Commands of all console blocks, in their order: a line with `$ ` and what belongs to it, a here-document for example. */
function commandsOf(page: string): Shown[] {
  const shown: { command: string; output: string[] }[] = [];
  for (const [, block = ''] of page.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    let end: string | null = null;
    for (const line of block.trimEnd().split('\n')) {
      const last = shown.at(-1);
      if (line.startsWith('$ ')) {
        shown.push({ command: line.slice(2), output: [] });
        end = /<<'?(\w+)'?/.exec(line)?.[1] ?? null;
      } else if (end !== null || last?.command.endsWith('\\')) {
        last!.command += `\n${line}`;
        if (line === end) end = null;
      } else last!.output.push(line);
    }
  }
  return shown;
}

/** A line without what is another every time: numbers, names of pods, the width of columns. */
function likeness(line: string): string {
  return line
    .replaceAll(/-[a-z0-9]{7,10}-[a-z0-9]{5}\b/g, '-POD')
    .replaceAll(/\d+(\.\d+)*(m?s)?/g, '0')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
