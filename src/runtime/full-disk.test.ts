import fs, { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { writeState } from './state-folder.ts';

test('a write that comes out short is never taken for the whole', () => {
  const file = `${mkdtempSync(`${tmpdir()}/serin-state-`)}/overlays.json`;
  writeFileSync(file, 'before');
  const { writeSync } = fs;
  // As a disk that is nearly full does it: write(2) takes what there is room for.
  const short = (handle: number, text: string | Uint8Array, from = 0, length = 10): number =>
    typeof text === 'string'
      ? writeSync(handle, text.slice(0, 10))
      : writeSync(handle, text, from, Math.min(10, length));
  Object.assign(fs, { writeSync: short });
  syncBuiltinESMExports();
  try {
    writeState(file, 'x'.repeat(100));
  } finally {
    Object.assign(fs, { writeSync });
    syncBuiltinESMExports();
  }
  expect(readFileSync(file, 'utf8')).toHaveLength(100);
});
