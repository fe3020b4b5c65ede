import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { limitTable } from './limits.ts';

describe('docs/limits.md', () => {
  it('has a row for every limit, with its default and unit', () => {
    const page = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` \| ([\d,]+) \| ([^|]+) \| ([^|]+) \|$/gm)];
    const table = Object.entries(limitTable).map(([name, row]) => [
      name,
      row.value.toLocaleString('en'),
      row.unit,
      row.what,
    ]);
    expect(rows.map((row) => row.slice(1))).toEqual(table);
  });
});
