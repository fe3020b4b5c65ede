import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../test/support/serin.ts';
import { NamedFiles } from './named-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'serin-named-'));
const file = join(folder, 'a.pem');
let changed: string[] = [];
const files = new NamedFiles((path) => changed.push(path));

afterEach(() => {
  files.stop();
  changed = [];
  rmSync(file, { force: true });
});

test('a file that is named is read, and followed from then on', async () => {
  writeFileSync(file, 'one');
  expect(files.read(file)).toEqual({ text: 'one' });
  writeFileSync(`${file}.new`, 'two');
  renameSync(`${file}.new`, file);
  expect(files.read(file)).toEqual({ text: 'one' });
  await until(() => changed.length > 0, 2000);
  expect(changed).toEqual([file]);
  expect(files.read(file)).toEqual({ text: 'two' });
});

test('a file that is not there is a problem until it comes', async () => {
  expect(files.read(file)).toEqual({ problem: 'there is no such file' });
  expect(files.read(folder)).toEqual({ problem: 'it is a folder' });
  writeFileSync(file, 'here');
  await until(() => changed.length > 0, 2000);
  expect(files.read(file)).toEqual({ text: 'here' });
  rmSync(file);
  await until(() => changed.length > 1, 2000);
  expect(files.read(file)).toEqual({ problem: 'there is no such file' });
});

test('a file that is not retained is not followed', async () => {
  writeFileSync(file, 'one');
  files.read(file);
  files.retain(new Set());
  writeFileSync(file, 'two');
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(changed).toEqual([]);
  expect(files.read(file)).toEqual({ text: 'two' });
});
