import { describe, expect, it } from 'vitest';
import { RateBucket } from './rate-bucket.ts';

/** How many of `tries` at one moment pass. */
function passed(bucket: RateBucket, now: number, tries: number): number {
  let count = 0;
  for (let n = 0; n < tries; n++) if (bucket.take(now)) count++;
  return count;
}

describe('RateBucket', () => {
  it('lets five seconds’ worth pass at once, then its rate', () => {
    const bucket = new RateBucket(10);
    expect(passed(bucket, 1000, 100)).toBe(50);
    expect(passed(bucket, 1050, 10)).toBe(0);
    expect(passed(bucket, 2000, 100)).toBe(10);
    expect(passed(bucket, 100_000, 100)).toBe(50);
  });

  it('keeps to its rate in the long run', () => {
    const bucket = new RateBucket(20);
    let count = 0;
    for (let now = 0; now < 60_000; now += 10) if (bucket.take(now)) count++;
    expect(count).toBeGreaterThanOrEqual(1299);
    expect(count).toBeLessThanOrEqual(1301);
  });

  it('lets one pass at least, however slow it is', () => {
    const bucket = new RateBucket(0.01);
    expect(passed(bucket, 0, 10)).toBe(1);
    expect(bucket.take(99_000)).toBe(false);
    expect(bucket.take(101_000)).toBe(true);
  });

  it('takes back no more than it holds', () => {
    const bucket = new RateBucket(1);
    passed(bucket, 0, 5);
    bucket.refund(2);
    expect(passed(bucket, 0, 10)).toBe(2);
    bucket.refund(1000);
    expect(passed(bucket, 0, 10)).toBe(5);
  });
});
