import { describe, expect, it } from 'vitest';
import { fieldsBlock } from '../../../test/conformance/http1-support.ts';
import { encodePlain } from '../hpack/plain.ts';
import { trailersFrameRoom, writeTrailersFrame } from './trailers-frame.ts';

/** The frame of a block, or null when it is refused. */
function frame(block: Buffer): Buffer | null {
  const room = trailersFrameRoom(block, 0, block.length);
  if (room < 0) return null;
  const target = Buffer.alloc(2 + room + 2, '#');
  const to = writeTrailersFrame(target, 2, block, 0, block.length);
  expect(target.toString('latin1', 2 + room)).toBe('##');
  return to < 0 ? null : target.subarray(2, to);
}

const plain = (...fields: [string, string][]): Buffer =>
  encodePlain(fields.map(([name, value]) => ({ name, value, neverIndexed: false })));

describe('the frame of trailers', () => {
  it('has the flag, the length and the lines, without an empty one', () => {
    const text = 'grpc-status: 0\r\ngrpc-message: \r\nx-a-bin: AAE=\r\n';
    expect(frame(plain(['grpc-status', '0'], ['grpc-message', ''], ['x-a-bin', 'AAE=']))).toEqual(
      Buffer.concat([Buffer.from([0x80, 0, 0, 0, text.length]), Buffer.from(text)]),
    );
  });

  it('has the length of long ones, and of none', () => {
    const long = frame(plain(['x-long', 'v'.repeat(70_000)]))!;
    expect(long.readUInt32BE(1)).toBe('x-long: \r\n'.length + 70_000);
    expect(long.length).toBe(5 + long.readUInt32BE(1));
    expect(frame(Buffer.alloc(0))).toEqual(Buffer.from([0x80, 0, 0, 0, 0]));
  });

  it('has nothing in it of a hop or of another protocol', () => {
    expect(
      frame(plain(['connection', 'x'], [':status', '200'], ['grpc-status', '5']))!.toString('latin1', 5),
    ).toBe('grpc-status: 5\r\n');
  });

  it.each([
    ['a line break in a value', fieldsBlock([['grpc-message', 'a\r\ngrpc-status: 0']])],
    ['a colon in a name', fieldsBlock([['a: b\r\nc', 'd']])],
    ['a block that is cut', Buffer.from([0, 5, 0x61])],
  ])('is not made of %s', (_, block) => expect(frame(block)).toBeNull());
});
