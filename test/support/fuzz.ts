import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { seeded } from '../conformance/http1-mutate.ts';

/** A random integer in [0, n). */
export type Random = (n: number) => number;

const seconds = Number(process.env.SERIN_FUZZ_SECONDS ?? 60);
const firstSeed = Number(process.env.SERIN_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** What a worker's memory may grow by, in MiB, behind the first tenth of the time. */
const mostGrowth = 150;

/**
 * A test that does `once` with other random numbers again and again for `SERIN_FUZZ_SECONDS` (60). What fails is said with
 * the seed that begins with it: `SERIN_FUZZ_SEED` repeats it.
 * @param outcomes what `once` can come to; each has to come at least once in a thousand runs, or the test says nothing.
 */
export function fuzz<O extends string>(
  name: string,
  outcomes: readonly O[],
  once: (random: Random) => O,
): void {
  it(
    `${name}, for ${seconds} s`,
    async () => {
      const start = performance.now();
      const end = start + seconds * 1000;
      const warm = start + seconds * 100;
      let before = Number.POSITIVE_INFINITY;
      let most = 0;
      let runs = 0;
      const counts = new Map<O, number>(outcomes.map((outcome) => [outcome, 0]));
      while (performance.now() < end) {
        for (let n = 0; n < 500; n++, runs++) {
          try {
            const outcome = once(seeded(firstSeed + runs));
            counts.set(outcome, counts.get(outcome)! + 1);
          } catch (error) {
            throw new Error(`SERIN_FUZZ_SEED=${firstSeed + runs}: ${(error as Error).message}`, {
              cause: error,
            });
          }
        }
        const memory = process.memoryUsage().rss / 1024 / 1024;
        if (performance.now() < warm) before = memory;
        else most = Math.max(most, memory - before);
        await setImmediate();
      }
      const said = [...counts].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
      console.log(
        `${name}: seed ${firstSeed}, ${runs} runs (${said}), memory + ${most.toFixed(0)} MiB at most`,
      );
      for (const count of counts.values()) expect(count * 1000, said).toBeGreaterThan(runs);
      if (seconds >= 10) expect(most).toBeLessThan(mostGrowth);
    },
    seconds * 1000 + 60_000,
  );
}

/** Bytes without any meaning. */
export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = random(256);
  return bytes;
}

/** Up to `most` of these pieces (latin1), one behind the other. */
export function soup(random: Random, pieces: readonly string[], most: number): Buffer {
  let text = '';
  for (let n = random(most + 1); n > 0; n--) text += pieces[random(pieces.length)];
  return Buffer.from(text, 'latin1');
}

/** `bytes` in the middle of others, which must not matter. */
export function embedded(random: Random, bytes: Buffer): { readonly bytes: Buffer; readonly start: number } {
  const junk = '\r\n:a 0P'.charCodeAt(random(7));
  const start = random(9);
  const whole = Buffer.alloc(start + bytes.length + 6, junk);
  bytes.copy(whole, start);
  return { bytes: whole, start };
}

/** Increasing numbers of bytes, the last of them `length`: where something is cut when it comes in pieces. */
export function cuts(random: Random, length: number): number[] {
  const most = 1 + random(random(3) === 0 ? 200 : 4);
  const list: number[] = [];
  for (let at = 0; at < length; ) {
    at = Math.min(length, at + 1 + random(Math.ceil((2 * length) / most)));
    list.push(at);
  }
  return list;
}
