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

  it('says when too many chunks are held, and takes none that is not its own', () => {
    const arena = new Arena(100, 2);
    const held = [];
    for (let n = 0; n < 2; n++) {
      expect(arena.mayKeep).toBe(true);
      arena.current.live++;
      held.push(arena.current);
      arena.next(0, 0);
    }
    expect(arena.mayKeep).toBe(false);
    arena.release({ bytes: Buffer.alloc(5000), live: 1 });
    arena.current.live++;
    arena.next(0, 0);
    expect(arena.current.bytes.length).toBe(100);
    for (const chunk of held) arena.release(chunk);
  });
});
