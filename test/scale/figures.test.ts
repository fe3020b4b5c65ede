import { expect, test } from 'vitest';
import { describeFigures, measureScale, median, writings } from '../support/scale.ts';

/** `npm run scale`: the figures of a quiet machine, three starts and ten changes each. What is promised is the median's. */
test.each(writings)('10,000 Mappings as %s', async (writing) => {
  const runs = [];
  for (let n = 0; n < 3; n++) {
    const figures = await measureScale(writing, 10);
    console.log(describeFigures(writing, figures));
    runs.push(figures);
  }
  expect(median(runs.map(({ readyMs }) => readyMs))).toBeLessThan(2000);
  expect(median(runs.map(({ changesMs }) => median(changesMs)))).toBeLessThan(100);
});
