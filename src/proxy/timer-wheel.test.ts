import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Timed, TimerWheel } from './timer-wheel.ts';

let now = 0;
let told: string[] = [];
let wheel: TimerWheel;

class One implements Timed {
  timerNext: Timed | null = null;
  timerPrevious: Timed | null = null;
  timerAt = 0;
  readonly name: string;
  readonly also: () => void;
  constructor(name: string, also: () => void = () => {}) {
    this.name = name;
    this.also = also;
  }
  onTimer(): void {
    told.push(this.name);
    this.also();
  }
}

/** Lets the clock and the tick go on together. */
function pass(ms: number): void {
  for (let n = 0; n < ms; n++) {
    now++;
    vi.advanceTimersByTime(1);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  now = 5003;
  told = [];
  wheel = new TimerWheel(() => now);
});
afterEach(() => {
  wheel.stop();
  vi.useRealTimers();
});

describe('TimerWheel', () => {
  it.each([1, 9, 10, 11, 100, 3000, 10_239, 10_240, 10_241, 25_000])(
    'tells after %i ms: never early, at most two ticks late',
    (ms) => {
      wheel.arm(new One('it'), now + ms);
      pass(ms - 1);
      expect(told).toEqual([]);
      pass(21);
      expect(told).toEqual(['it']);
      pass(11_000);
      expect(told).toEqual(['it']);
    },
  );

  it('tells what is due already at the next tick', () => {
    wheel.arm(new One('other'), now + 5000);
    pass(500);
    wheel.arm(new One('late'), now - 300);
    pass(20);
    expect(told).toEqual(['late']);
  });

  it('forgets what was disarmed: the first, the last and one in between of a list', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => new One(name));
    for (const one of all) wheel.arm(one, now + 50);
    for (const i of [0, 2, 4]) wheel.disarm(all[i]!);
    wheel.disarm(all[2]!);
    pass(80);
    expect(told.sort()).toEqual(['b', 'd']);
  });

  it('counts the later arming only', () => {
    const one = new One('it');
    wheel.arm(one, now + 20);
    wheel.arm(one, now + 200);
    pass(150);
    expect(told).toEqual([]);
    pass(80);
    expect(told).toEqual(['it']);
  });

  it('lets whoever is told disarm others that are due, and arm itself again', () => {
    const second = new One('second');
    const again: One = new One('again', () => {
      if (told.length < 3) wheel.arm(again, now + 30);
    });
    const first = new One('first', () => wheel.disarm(second));
    wheel.arm(second, now + 50);
    wheel.arm(first, now + 50);
    wheel.arm(again, now + 100);
    pass(300);
    expect(told).toEqual(['first', 'again', 'again']);
  });

  it('tells everything after a pause longer than the wheel', () => {
    for (let n = 0; n < 50; n++) wheel.arm(new One(`n${n}`), now + n * 300);
    now += 60_000;
    vi.advanceTimersByTime(10);
    expect(told.length).toBe(50);
  });

  it('ticks only while something is armed', () => {
    expect(vi.getTimerCount()).toBe(0);
    wheel.arm(new One('it'), now + 20);
    expect(vi.getTimerCount()).toBe(1);
    pass(50);
    expect(vi.getTimerCount()).toBe(0);
  });
});
