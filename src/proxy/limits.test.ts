import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { limitsWith, limitTable } from './limits.ts';

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

describe('limitsWith', () => {
  it('puts what was set in place of the defaults, 0 included', () => {
    const limits = limitsWith({ header_fields: 7, idle_timeout: 0 });
    expect([limits.header_fields, limits.idle_timeout]).toEqual([7, 0]);
    expect(limits.header_list_bytes).toBe(limitTable.header_list_bytes.value);
    expect(Object.keys(limits)).toEqual(Object.keys(limitTable));
  });
});
