import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test, vi } from 'vitest';
import { emptySnapshot } from '../model/snapshot.ts';
import { SnapshotFile } from './saved-snapshot.ts';

const newFolder = (): string => mkdtempSync(`${tmpdir()}/serin-state-`);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a snapshot that takes long to write is written seldom, however often it changes', async () => {
  const file = new SnapshotFile(newFolder(), () => {});
  const state = vi.fn(() => {
    const until = performance.now() + 120;
    while (performance.now() < until);
    return { snapshot: emptySnapshot, services: [] };
  });
  for (let i = 0; i < 70; i++) {
    file.save(state);
    await wait(50);
  }
  // A second, and then three between two.
  expect(state).toHaveBeenCalledTimes(1);
  expect(file.read()?.services).toEqual([]);
});

test('a file with something else in it counts as none, and is told', () => {
  const folder = newFolder();
  const told: string[] = [];
  const file = new SnapshotFile(folder, (message) => told.push(message));
  for (const text of ['{"form":1}', '{"form":1,"patch":{},"services":[]}', '[]', 'null', '{']) {
    writeFileSync(`${folder}/snapshot.json`, text);
    expect(file.read()).toBeNull();
  }
  expect(told).toHaveLength(5);
});
