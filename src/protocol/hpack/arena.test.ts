import { describe, expect, it } from 'vitest';
import { Arena } from './arena.ts';

describe('Arena', () => {
  it('moves on with what was begun, and uses a chunk again when nobody needs it', () => {
    const arena = new Arena(100, 2);
    const first = arena.current;
    first.live++;
    first.bytes.write('begun', 50);
    arena.next(50, 5);
    expect(arena.current).not.toBe(first);
    expect(arena.current.bytes.toString('latin1', 0, 5)).toBe('begun');
    expect([arena.position, arena.room]).toEqual([5, 95]);
    arena.release(first);
    arena.current.live++;
    arena.next(0, 0);
    expect(arena.current).toBe(first);
  });

  it('begins the current chunk anew when its last call is over', () => {
    const arena = new Arena(100, 2);
    arena.position = 40;
    arena.current.live += 2;
    arena.release(arena.current);
    expect(arena.position).toBe(40);
    arena.release(arena.current);
    expect(arena.position).toBe(0);
  });

  it("says when too many chunks are held, and takes none that was one call's own", () => {
    const arena = new Arena(100, 2);
    const held = [];
    for (let n = 0; n < 2; n++) {
      expect(arena.mayKeep).toBe(true);
      arena.current.live++;
      held.push(arena.current);
      arena.next(0, 0);
    }
    expect(arena.mayKeep).toBe(false);
    arena.release(arena.own(5000));
    arena.current.live++;
    arena.next(0, 0);
    expect(arena.current.bytes.length).toBe(100);
    for (const chunk of held) arena.release(chunk);
  });

  it('gives a call memory of its own that others had before, and keeps no more than 8 MiB of it', () => {
    const arena = new Arena(100, 2);
    const first = arena.own(5000);
    expect([
      first.bytes.length,
      first.live,
      arena.own(8192).bytes.length,
      arena.own(8193).bytes.length,
    ]).toEqual([8192, 1, 8192, 16_384]);
    arena.release(first);
    expect(arena.own(4097)).toBe(first);
    expect(first.live).toBe(1);
    expect(arena.own(4097)).not.toBe(first);
    const many = Array.from({ length: 70 }, () => arena.own(131_072));
    for (const chunk of many) arena.release(chunk);
    const again = new Set(Array.from({ length: 70 }, () => arena.own(131_072)));
    expect(many.filter((chunk) => again.has(chunk)).length).toBe(64);
  });
});
