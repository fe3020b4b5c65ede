import { expect, test } from 'vitest';
import { editDistance, nearest } from './edit-distance.ts';

test('a swap of neighbours is one letter, and letter case is none', () => {
  expect(editDistance('wieght', 'weight', 5)).toBe(1);
  expect(editDistance('Weight', 'weight', 5)).toBe(0);
  expect(editDistance('timemout_ms', 'timeout_ms', 5)).toBe(1);
  expect(editDistance('prefix', 'service', 2)).toBeGreaterThan(2);
});

test('the nearest word is found, and nothing for a word like none', () => {
  expect(nearest('timemout_ms', ['timeout_ms', 'idle_timeout_ms'])).toBe('timeout_ms');
  expect(nearest('colour', ['prefix', 'service'])).toBeNull();
});
