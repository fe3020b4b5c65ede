import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  type GreeterClient,
  type GreeterServer,
  greeterClient,
  startGreeter,
} from '../../src/cli/demo/greeter.ts';
import { type RunningSerin, startSerin } from '../support/serin.ts';

/** Promised is 100 ms; a machine that tests is busy, so ten times that. */
const SERVED_MS = 1000;
const CONNECTIONS = 8;

/** The manifests; all calls go to 1.0, or all to 1.1. */
function manifest(version: '1.0' | '1.1'): string {
  const mapping = (name: string, service: string, more: string) => `---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: ${name}}
spec: {hostname: "*", prefix: /helloworld.Greeter/, rewrite: "", grpc: true, service: "${service}:50051"${more}}
`;
  return (
    mapping('stable', 'greeter', '') +
    mapping('canary', 'greeter-canary', `, weight: ${version === '1.1' ? 100 : 0}`)
  );
}

let servers: GreeterServer[];
let serin: RunningSerin | null = null;
let clients: GreeterClient[] = [];
beforeAll(async () => {
  servers = [await startGreeter('1.0', 0), await startGreeter('1.1', 0)];
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await serin?.stop();
  serin = null;
});
afterAll(() => {
  for (const server of servers) server.close();
});

/** Two workers on a path, and connections that stay open for the whole test. */
async function serve(path: string): Promise<void> {
  const resolve = (name: string, at: number) => [
    '--resolve',
    `${name}.default.svc.cluster.local:50051=127.0.0.1:${servers[at]!.port}`,
  ];
  serin = await startSerin([
    path,
    '--workers',
    '2',
    ...resolve('greeter', 0),
    ...resolve('greeter-canary', 1),
  ]);
  clients = Array.from({ length: CONNECTIONS }, () => greeterClient(serin!.listen));
  await change('the start', '1.0', () => {});
}

/** Does something to files, and waits until every connection is served by that version, and then by no other. */
async function change(what: string, version: '1.0' | '1.1', act: () => void | Promise<void>): Promise<void> {
  await act();
  const done = performance.now();
  const times = clients.map(async (client) => {
    while (!(await client.sayHello('x').catch(() => '')).endsWith(version)) await pause(2);
    return performance.now() - done;
  });
  const seen = await Promise.all(times);
  expect(Math.max(...seen), what).toBeLessThan(SERVED_MS);
  for (const client of clients) expect(await client.sayHello('x'), what).toContain(version);
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test('every way of saving a file is served on open connections, and so is the edit after it (reports 28, 29, 30)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'serin-files-'));
  const file = join(folder, 'live.yaml');
  writeFileSync(file, manifest('1.0'));
  await serve(folder);
  const edit = (what: string) =>
    change(`an edit after ${what}`, '1.0', () => writeFileSync(file, manifest('1.0')));
  const beside = (text: string) => {
    const path = join(folder, '.new');
    writeFileSync(path, text);
    return path;
  };
  const saves: Record<string, () => void | Promise<void>> = {
    'a write': () => writeFileSync(file, manifest('1.1')),
    'mv new live': () => renameSync(beside(manifest('1.1')), file),
    'an editor that moves the old file away': () => {
      renameSync(file, `${file}~`);
      writeFileSync(file, manifest('1.1'));
      rmSync(`${file}~`);
    },
    'sed -i': () => void execFileSync('sed', ['-i', 's/weight: 0/weight: 100/', file]),
    'three renames in a row': () => {
      for (const version of ['1.1', '1.0', '1.1'] as const) renameSync(beside(manifest(version)), file);
    },
    'truncated, then written in pieces': async () => {
      truncateSync(file);
      await pause(30);
      const text = manifest('1.1');
      for (let at = 0; at < text.length; at += 100) {
        writeFileSync(file, text.slice(at, at + 100), { flag: at === 0 ? 'w' : 'a' });
        await pause(10);
      }
    },
    'deleted, and created a second later': async () => {
      rmSync(file);
      await pause(1000);
      writeFileSync(file, manifest('1.1'));
    },
    'the folder away and back': async () => {
      renameSync(folder, `${folder}.away`);
      await pause(300);
      writeFileSync(join(`${folder}.away`, 'live.yaml'), manifest('1.1'));
      renameSync(`${folder}.away`, folder);
    },
  };
  for (const [what, save] of Object.entries(saves)) {
    await change(what, '1.1', save);
    await edit(what);
  }
});

test('a file that is truncated goes on being served for a second; no call fails while it is written (report 28)', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'serin-files-')), 'live.yaml');
  writeFileSync(file, manifest('1.0'));
  await serve(file);
  const failures: string[] = [];
  let running = true;
  const lane = (async () => {
    while (running) {
      await clients[0]!.sayHello('x').catch((error: Error) => failures.push(error.message));
      await pause(1);
    }
  })();
  for (let n = 1; n <= 10; n++) {
    const version = n % 2 === 1 ? '1.1' : '1.0';
    await change(`truncation ${n}`, version, async () => {
      truncateSync(file);
      await pause(n * 20);
      writeFileSync(file, manifest(version));
    });
  }
  running = false;
  await lane;
  expect(failures).toEqual([]);
});

test('a link that is set anew with ln -sfn (report 29)', async () => {
  const root = mkdtempSync(join(tmpdir(), 'serin-links-'));
  for (const version of ['1.0', '1.1'] as const) {
    mkdirSync(join(root, version));
    writeFileSync(join(root, version, 'live.yaml'), manifest(version));
  }
  const point = (link: string, to: string) => {
    symlinkSync(to, `${link}.new`);
    renameSync(`${link}.new`, link);
  };
  const current = join(root, 'current');
  point(current, '1.0');
  await serve(current);
  for (const version of ['1.1', '1.0', '1.1', '1.0'] as const) {
    await change(`ln -sfn ${version} current`, version, () => point(current, version));
  }
  await change('an edit behind the link', '1.1', () =>
    writeFileSync(join(root, '1.0', 'live.yaml'), manifest('1.1')),
  );
});

test('a ConfigMap’s ..data that is swapped (report 29)', async () => {
  const root = mkdtempSync(join(tmpdir(), 'serin-configmap-'));
  const swap = (version: '1.0' | '1.1', n: number) => {
    mkdirSync(join(root, `..${n}`));
    writeFileSync(join(root, `..${n}`, 'live.yaml'), manifest(version));
    symlinkSync(`..${n}`, join(root, '..data_tmp'));
    renameSync(join(root, '..data_tmp'), join(root, '..data'));
    if (n > 0) rmSync(join(root, `..${n - 1}`), { recursive: true });
  };
  swap('1.0', 0);
  symlinkSync('..data/live.yaml', join(root, 'live.yaml'));
  await serve(root);
  for (let n = 1; n <= 4; n++) {
    const version = n % 2 === 1 ? '1.1' : '1.0';
    await change(`swap ${n}`, version, () => swap(version, n));
  }
});
