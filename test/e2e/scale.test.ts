import { expect, test } from 'vitest';
import { describeFigures, measureScale, writings } from '../support/scale.ts';

/** What is promised, asserted with ten times the allowance: a machine that builds is busy. `npm run scale` has the figures. */
const READY_MS = 2000;
const SERVED_MS = 100;
const ALLOWANCE = 10;

test.each(writings)(
  '10,000 Mappings as %s: ready in time, and a changed weight is served in time',
  async (writing) => {
    const figures = await measureScale(writing, 3);
    console.log(describeFigures(writing, figures));
    expect(figures.readyMs).toBeLessThan(READY_MS * ALLOWANCE);
    for (const ms of figures.changesMs) expect(ms).toBeLessThan(SERVED_MS * ALLOWANCE);
    // 10,000 Mappings in plain words: a machine of 1 GB holds a gateway of two workers.
    expect(figures.memoryMb.control).toBeLessThan(600);
    for (const mb of figures.memoryMb.workers) expect(mb).toBeLessThan(300);
  },
);
