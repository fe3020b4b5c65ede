import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameHeaderBytes, preface, readUint32, writeFrameHeader, writeUint32 } from './frames.ts';

describe('frames', () => {
  it('have the header of RFC 9113 4.1', () => {
    const bytes = Buffer.alloc(12, 0xee);
    expect(writeFrameHeader(bytes, 2, 0x01_02_03, 9, 4, 0x7f_00_00_01)).toBe(2 + frameHeaderBytes);
    expect(bytes.toString('hex')).toBe('eeee01020309047f000001ee');
  });

  it('carry 32 bits without a sign', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (value) => {
        const bytes = Buffer.alloc(6);
        writeUint32(bytes, 1, value);
        expect(bytes.readUInt32BE(1)).toBe(value);
        expect(readUint32(bytes, 1)).toBe(value);
      }),
    );
  });

  it('follow a preface of 24 bytes', () => expect(preface.length).toBe(24));
});
