import { describe, expect, it } from 'vitest';
import { decodePlain, encodePlain } from '../protocol/hpack/plain.ts';
import { editHead } from './header-edits.ts';

function edited(
  remove: readonly string[],
  add: readonly [name: string, value: string, append: boolean][],
): string[] {
  const before = encodePlain([
    { name: 'x-a', value: '1', neverIndexed: false },
    { name: 'x-b', value: '2', neverIndexed: false },
    { name: 'x-a', value: '3', neverIndexed: false },
    { name: 'authorization', value: 'secret', neverIndexed: true },
  ]);
  const block = Buffer.concat([Buffer.from('junk'), before, Buffer.from('junk')]);
  const edits = { remove, add: add.map(([name, value, append]) => ({ name, value, append })) };
  const after = editHead(edits, block, 4, 4 + before.length, false);
  return decodePlain(after, 0, after.length).map((f) => `${f.neverIndexed ? '!' : ''}${f.name}: ${f.value}`);
}

const last = '!authorization: secret';

describe('editHead', () => {
  it('appends a line', () =>
    expect(edited([], [['x-a', '4', true]])).toEqual(['x-a: 1', 'x-b: 2', 'x-a: 3', last, 'x-a: 4']));
  it('replaces all lines without append', () =>
    expect(edited([], [['x-a', '4', false]])).toEqual(['x-b: 2', last, 'x-a: 4']));
  it('removes all lines of a name', () => expect(edited(['x-a', 'x-none'], [])).toEqual(['x-b: 2', last]));
  it('removes before it adds: both of one name replace it', () =>
    expect(edited(['x-b'], [['x-b', '9', true]])).toEqual(['x-a: 1', 'x-a: 3', last, 'x-b: 9']));
  it('keeps the mark of a never-indexed field', () => expect(edited(['x-a', 'x-b'], [])).toEqual([last]));
});
