import { expect, test } from 'vitest';
import { serinCommand } from '../support/serin.ts';

test('serin demo --for 4s ends by itself with a summary, and not one call has failed', async () => {
  const { code, out } = await serinCommand(['demo', '--for', '4s']);
  expect(code).toBe(0);
  expect(out).toContain('grpc-server-canary');
  expect(out).toContain("sed -i 's/weight:");
  const summary = /(\d+) calls in [\d.]+ s, 0 failed\.\n {2}1\.0: (\d+) calls.*\n {2}1\.1: (\d+) calls/.exec(
    out,
  );
  expect(summary).not.toBeNull();
  const [calls, stable, canary] = summary!.slice(1).map(Number);
  expect(stable! + canary!).toBe(calls);
  expect(calls!).toBeGreaterThan(300);
  // Two workers at most on a small machine, each within one of its own exact share.
  expect(Math.abs(canary! - calls! * 0.2)).toBeLessThanOrEqual(8);
});
