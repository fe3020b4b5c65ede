import { expect, test } from 'vitest';
import { Rest } from './rest.ts';

test('a rest is 1 s, doubles to 30 s, and begins anew after a connect that went well', () => {
  const rest = new Rest();
  const lengths: number[] = [];
  for (let n = 0; n < 7; n++) {
    rest.grow();
    rest.begin(0);
    let ms = 0;
    while (rest.lasts(ms)) ms += 1000;
    lengths.push(ms);
  }
  expect(lengths).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  rest.end();
  expect(rest.lasts(0)).toBe(false);
  rest.grow();
  rest.begin(0);
  expect([rest.lasts(999), rest.lasts(1000)]).toEqual([true, false]);
});
