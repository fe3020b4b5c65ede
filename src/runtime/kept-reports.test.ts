import { describe, expect, test } from 'vitest';
import { KeptReports } from './kept-reports.ts';

const bytes = (n: number) => Uint8Array.of(n);

describe('what is kept while there is no control process', () => {
  test('a worker that died in between is told of as it was: it began, it reported, it ended', () => {
    const kept = new KeptReports();
    kept.add(1, bytes(1), 'all');
    kept.add(1, bytes(2), 'changed');
    kept.add(2, bytes(3), 'all');
    kept.ended(1, false);
    expect(kept.take([2, 3])).toEqual([
      { type: 'worker-began', worker: 1 },
      { type: 'from-worker', worker: 1, payload: bytes(1) },
      { type: 'from-worker', worker: 1, payload: bytes(2) },
      { type: 'worker-ended', worker: 1, expected: false },
      { type: 'worker-began', worker: 2 },
      { type: 'from-worker', worker: 2, payload: bytes(3) },
      { type: 'worker-began', worker: 3 },
    ]);
    expect(kept.take([])).toEqual([]);
  });

  test('a report of everything replaces what came before, and is asked for before much has gathered', () => {
    const kept = new KeptReports();
    let asked = 0;
    for (let i = 0; i < 99; i++) if (kept.add(1, bytes(i), 'changed')) asked++;
    expect(asked).toBe(0);
    expect(kept.add(1, bytes(99), 'changed')).toBe(true);
    expect(kept.add(1, bytes(7), 'all')).toBe(false);
    expect(kept.take([1])).toEqual([
      { type: 'worker-began', worker: 1 },
      { type: 'from-worker', worker: 1, payload: bytes(7) },
    ]);
  });
});
