import { expect, test } from 'vitest';
import { overlayAfter, overlayInForce, parseWeight } from './overlay.ts';

const now = { weight: 20, revision: 'version=v2' };
const base = { revision: 'version=v2', by: 'me', at: 't' };

test.each([
  [
    { kind: 'set-weight', weight: 7.5 },
    { weight: 7.5, state: 'set', ...base },
  ],
  [{ kind: 'pause' }, { weight: 20, state: 'paused', ...base }],
  [{ kind: 'promote' }, { weight: 100, state: 'promoted', ...base }],
  [
    { kind: 'abort', endStreamsS: null },
    { weight: 0, state: 'aborted', ...base },
  ],
  [
    { kind: 'abort', endStreamsS: 30 },
    { weight: 0, state: 'aborted', ...base, endStreamsS: 30 },
  ],
  [{ kind: 'resume' }, null],
] as const)('%j', (command, overlay) => {
  expect(overlayAfter(command, now, 'me', 't')).toEqual(overlay);
});

test('an overlay counts for its own release only', () => {
  const overlay = { weight: 100, state: 'promoted', ...base } as const;
  expect(overlayInForce(overlay, 'version=v2')).toBe(overlay);
  expect(overlayInForce(overlay, 'version=v3')).toBeNull();
  expect(overlayInForce(null, 'version=v2')).toBeNull();
});

test.each([
  ['7', 7],
  ['7%', 7],
  [' 0.25 % ', 0.25],
  ['100', 100],
  ['0', 0],
  ['101', null],
  ['-1', null],
  ['7,5', null],
  ['0.00001', null],
  ['', null],
])('weight %j is %j', (text, weight) => {
  expect(parseWeight(text)).toBe(weight);
});
