import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { FileFollower } from './file-follower.ts';
import { type FileChange, type FileSource, watchFiles } from './files.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'serin-files-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What a source has said so far: the state of its files, and each change with its time. */
class Follower {
  readonly texts = new Map<string, string>();
  readonly changes: (FileChange & { readonly at: number })[] = [];
  readonly source: FileSource;

  constructor(path: string) {
    this.source = watchFiles([path], { follow: true });
    this.source.onChange((changes) => this.take(changes));
  }

  take(changes: readonly FileChange[]): void {
    for (const change of changes) {
      this.changes.push({ ...change, at: performance.now() });
      if (change.unreadable !== undefined) continue;
      if (change.text === null) this.texts.delete(change.path);
      else this.texts.set(change.path, change.text);
    }
  }

  static async start(path: string): Promise<Follower> {
    const follower = new Follower(path);
    cleanups.push(() => follower.source.stop());
    follower.take(await follower.source.start());
    return follower;
  }

  /** Waits until a file has a text (undefined = is not there); returns the milliseconds that it took. */
  async until(path: string, text: string | undefined, timeoutMs = 1500): Promise<number> {
    const from = performance.now();
    while (this.texts.get(path) !== text) {
      if (performance.now() - from > timeoutMs) {
        throw new Error(`${path} is ${JSON.stringify(this.texts.get(path))}, not ${JSON.stringify(text)}`);
      }
      await sleep(1);
    }
    return performance.now() - from;
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a path that is not there is a readable error', async () => {
  const source = watchFiles(['/no/such/path'], { follow: true });
  await expect(source.start()).rejects.toThrow('/no/such/path: there is no such file or folder');
});

test('manifests in folders below are read, other files and dot names are not', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'a/..data'), { recursive: true });
  for (const name of ['a/x.yaml', 'y.yml', 'z.json', 'n.txt', 'a/..data/x.yaml', '.x.yaml.swp'])
    writeFileSync(join(dir, name), name);
  const { texts } = await Follower.start(dir);
  expect([...texts.keys()].map((path) => path.slice(dir.length + 1)).sort()).toEqual([
    'a/x.yaml',
    'y.yml',
    'z.json',
  ]);
});

test('a plain write, a new file, a new folder and a deletion are told soon', async () => {
  const dir = folder();
  const file = join(dir, 'a.yaml');
  writeFileSync(file, 'one');
  const follower = await Follower.start(dir);
  writeFileSync(file, 'two');
  expect(await follower.until(file, 'two')).toBeLessThan(90);
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'sub/b.yaml'), 'new');
  await follower.until(join(dir, 'sub/b.yaml'), 'new');
  writeFileSync(join(dir, 'sub/b.yaml'), 'newer');
  await follower.until(join(dir, 'sub/b.yaml'), 'newer');
  unlinkSync(file);
  expect(await follower.until(file, undefined)).toBeLessThan(90);
});

test('a rename over the file is told without quiet time, and so is the edit after it', async () => {
  const dir = folder();
  const file = join(dir, 'live.yaml');
  writeFileSync(file, 'one');
  writeFileSync(join(dir, 'new.tmp'), 'two');
  const follower = await Follower.start(file);
  await sleep(15);
  renameSync(join(dir, 'new.tmp'), file);
  expect(await follower.until(file, 'two')).toBeLessThan(30);
  writeFileSync(file, 'three');
  await follower.until(file, 'three');
});

test('a ConfigMap swap of ..data is told without quiet time', async () => {
  const dir = folder();
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(dir, `..${version}`));
    writeFileSync(join(dir, `..${version}/a.yaml`), version);
  }
  symlinkSync('..v1', join(dir, '..data'));
  symlinkSync('..data/a.yaml', join(dir, 'a.yaml'));
  const follower = await Follower.start(dir);
  await sleep(60);
  symlinkSync('..v2', join(dir, '..tmp'));
  renameSync(join(dir, '..tmp'), join(dir, '..data'));
  expect(await follower.until(join(dir, 'a.yaml'), 'v2')).toBeLessThan(30);
  expect(follower.changes.map(({ text }) => text)).toEqual(['v1', 'v2']);
});

test('ln -sfn of the path itself, to a folder and to a file', async () => {
  const dir = folder();
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(dir, version));
    writeFileSync(join(dir, version, 'a.yaml'), version);
  }
  const current = join(dir, 'current');
  symlinkSync('v1', current);
  const follower = await Follower.start(current);
  symlinkSync('v2', join(dir, 'next'));
  renameSync(join(dir, 'next'), current);
  await follower.until(join(current, 'a.yaml'), 'v2');
  writeFileSync(join(dir, 'v2/a.yaml'), 'v2 edited');
  await follower.until(join(current, 'a.yaml'), 'v2 edited');
});

test('a folder that vanishes and returns', async () => {
  const dir = folder();
  const live = join(dir, 'x/live');
  mkdirSync(live, { recursive: true });
  writeFileSync(join(live, 'a.yaml'), 'one');
  const follower = await Follower.start(live);
  renameSync(join(dir, 'x'), join(dir, 'y'));
  await follower.until(join(live, 'a.yaml'), undefined);
  renameSync(join(dir, 'y'), join(dir, 'x'));
  await follower.until(join(live, 'a.yaml'), 'one');
  writeFileSync(join(live, 'a.yaml'), 'two');
  await follower.until(join(live, 'a.yaml'), 'two');
});

test('a file that is deleted and created again', async () => {
  const file = join(folder(), 'a.yaml');
  writeFileSync(file, 'one');
  const follower = await Follower.start(file);
  unlinkSync(file);
  await follower.until(file, undefined);
  writeFileSync(file, 'two');
  await follower.until(file, 'two');
});

test('a file written in pieces with pauses of up to 30 ms is never told half', async () => {
  const file = join(folder(), 'a.yaml');
  writeFileSync(file, 'old');
  const follower = await Follower.start(file);
  const pieces = ['a: 1\n', '---\n', 'b: 2\n', '---\n', 'c: 3\n'];
  for (let round = 0; round < 5; round++) {
    const handle = openSync(file, 'w');
    for (const piece of [`# ${round}\n`, ...pieces]) {
      writeSync(handle, piece);
      await sleep(round * 6);
    }
    closeSync(handle);
    await follower.until(file, `# ${round}\n${pieces.join('')}`);
  }
  expect(follower.changes).toHaveLength(6);
});

test('a file truncated to nothing is believed after a second', async () => {
  const file = join(folder(), 'a.yaml');
  writeFileSync(file, 'one');
  const follower = await Follower.start(file);
  writeFileSync(file, '');
  const took = await follower.until(file, '', 2000);
  expect(took).toBeGreaterThan(900);
  expect(took).toBeLessThan(1300);
  writeFileSync(file, 'two');
  await follower.until(file, 'two');
});

test('truncated and written within the second: nothing is told of the emptiness', async () => {
  const file = join(folder(), 'a.yaml');
  writeFileSync(file, 'one');
  const follower = await Follower.start(file);
  writeFileSync(file, '');
  await sleep(300);
  writeFileSync(file, 'two');
  await follower.until(file, 'two');
  expect(follower.changes.map(({ text }) => text)).toEqual(['one', 'two']);
});

test('a file moved away and written anew at once is not told to be gone', async () => {
  const file = join(folder(), 'a.yaml');
  writeFileSync(file, 'one');
  const follower = await Follower.start(file);
  renameSync(file, `${file}~`);
  await sleep(10);
  writeFileSync(file, 'two');
  await follower.until(file, 'two');
  expect(follower.changes.map(({ text }) => text)).toEqual(['one', 'two']);
});

test('a file without rights is told as unreadable once, and comes back', async () => {
  const file = join(folder(), 'a.yaml');
  writeFileSync(file, 'one');
  // The tests may run as root, who can read everything: the rights are looked at by hand.
  const read = (path: string): FileChange =>
    (statSync(path).mode & 0o444) === 0
      ? { path, text: null, unreadable: 'EACCES' }
      : { path, text: readFileSync(path, 'utf8') };
  const told: (string | null)[] = [];
  const follower = new FileFollower(
    [file],
    (changes) => told.push(...changes.map((c) => c.unreadable ?? c.text)),
    read,
  );
  cleanups.push(() => follower.stop());
  follower.start();
  chmodSync(file, 0);
  while (told.length < 1) await sleep(5);
  chmodSync(file, 0o644);
  while (told.length < 2) await sleep(5);
  expect(told).toEqual(['EACCES', 'one']);
});
