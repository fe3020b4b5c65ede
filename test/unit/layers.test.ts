import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Each rule of the house, and a file that breaks it. */
const broken: Readonly<Record<string, { readonly text: string; readonly rule: string }>> = {
  'src/metrics/a.ts': { text: "import 'node:fs';", rule: 'noRestrictedImports' },
  'src/compiler/a.ts': { text: "import '../proxy/proxy.ts';", rule: 'noRestrictedImports' },
  'src/model/a.ts': {
    text: "import type { X } from '../sources/files.ts';\nexport type Y = X;",
    rule: 'noRestrictedImports',
  },
  'src/routing/a.ts': { text: 'setTimeout(() => {}, 1);', rule: 'noRestrictedGlobals' },
  'src/balancing/a.ts': { text: 'export const x = Math.random();', rule: 'plugin' },
  'src/protocol/a.ts': { text: 'export const x = Date.now();', rule: 'plugin' },
  'src/lib/a.ts': { text: 'export const x = performance.now();', rule: 'plugin' },
  'src/resources/a.ts': { text: 'export const x = process.env;', rule: 'plugin' },
  'src/proxy/a.ts': { text: "import '../sources/files.ts';", rule: 'noRestrictedImports' },
  'src/proxy/b.ts': { text: "import '../admin/app.ts';", rule: 'noRestrictedImports' },
  'src/sources/a.ts': { text: "import '../proxy/proxy.ts';", rule: 'noRestrictedImports' },
  'src/admin/a.ts': { text: "import '../proxy/proxy.ts';", rule: 'noRestrictedImports' },
  'src/kubernetes/a.ts': { text: "import '../sources/files.ts';", rule: 'noRestrictedImports' },
  'src/proxy/c.ts': { text: "import '../kubernetes/source.ts';", rule: 'noRestrictedImports' },
  'src/compiler/b.ts': { text: "import '../kubernetes/api-client.ts';", rule: 'noRestrictedImports' },
  'src/admin/b.ts': { text: "import '../runtime/parent.ts';", rule: 'noRestrictedImports' },
  'src/runtime/a.ts': { text: "import '../cli/main.ts';", rule: 'noRestrictedImports' },
  'src/cli/a.ts': { text: "import { b } from './b.ts';\nexport const a = () => b;", rule: 'noImportCycles' },
  'src/cli/b.ts': { text: "import { a } from './a.ts';\nexport const b = () => a;", rule: 'noImportCycles' },
  'src/cli/c.ts': { text: 'export const c: any = 1;', rule: 'noExplicitAny' },
};

/** What the rules must let pass. */
const fine: Readonly<Record<string, string>> = {
  'src/runtime/fine.ts':
    "import 'node:fs';\nimport '../proxy/proxy.ts';\nimport '../sources/files.ts';\nsetTimeout(() => Date.now(), 1);",
  'src/compiler/fine.ts': "import '../resources/kubernetes/kinds.ts';",
  'src/metrics/fine.ts': "import '../model/route.ts';",
  'src/metrics/fine.test.ts': "import 'node:fs';\nDate.now();",
};

const found = new Map<string, string[]>();

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'serin-layers-'));
  const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
  cpSync(join(root, '.biome'), join(folder, '.biome'), { recursive: true });
  const files = {
    ...fine,
    ...Object.fromEntries(Object.entries(broken).map(([path, { text }]) => [path, text])),
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  }
  const run = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/@biomejs/biome/bin/biome'),
      'lint',
      '--reporter=github',
      '--max-diagnostics=200',
    ],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );
  for (const line of run.stdout.split('\n')) {
    const match = /^::\w+ title=([^,]*),file=([^,]*),/.exec(line);
    if (match === null) continue;
    const path = relative(folder, resolve(folder, match[2]!));
    found.set(path, [...(found.get(path) ?? []), match[1]!]);
  }
});

describe('the layers of the house hold: a file that breaks one is refused', () => {
  test.each(Object.entries(broken))('%s', (path, { rule }) => {
    expect((found.get(path) ?? []).join(' ')).toContain(rule);
  });

  test.each(Object.keys(fine))('%s is let pass', (path) => {
    expect(found.get(path) ?? []).toEqual([]);
  });
});
