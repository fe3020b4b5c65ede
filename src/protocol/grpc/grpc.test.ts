import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOneMessage, MessageCounter } from './message-counter.ts';
import { encodeGrpcMessage, isGrpcContentType } from './status.ts';
import { noTimeout, parseGrpcTimeout } from './timeout.ts';

function parse(text: string): number {
  const bytes = Buffer.from(`9S${text}9S`, 'latin1');
  return parseGrpcTimeout(bytes, 2, 2 + text.length);
}

describe('grpc-timeout', () => {
  it.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['30S', 30_000],
    ['100m', 100],
    ['1u', 1],
    ['1500u', 2],
    ['99999999n', 100],
    ['0m', 0],
    ['99999999H', 0x7fffffff],
  ])('%s is %i ms', (text, ms) => expect(parse(text)).toBe(ms));

  it.each(['', 'm', '5', '123456789S', '1x', '-1S', '1.5S', ' 1S', '1S ', '1s', '+1S', '1\xd3', '1\x80'])(
    '%j means nothing',
    (text) => expect(parse(text)).toBe(noTimeout),
  );
});

describe('content-type', () => {
  it.each([
    'application/grpc',
    'application/grpc+proto',
    'application/grpc;charset=utf-8',
    'application/grpc ;x',
  ])('%s is gRPC', (value) => expect(isGrpcContentType(value)).toBe(true));
  it.each([
    'application/grpc-web',
    'application/grpc-web+proto',
    'application/grpcx',
    'application/json',
    '',
  ])('%j is not', (value) => expect(isGrpcContentType(value)).toBe(false));
});

describe('grpc-message', () => {
  it('is percent-encoded UTF-8 that decodes again', () => {
    expect(encodeGrpcMessage('a b%\n灰')).toBe('a b%25%0A%E7%81%B0');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const coded = encodeGrpcMessage(text);
        expect(coded).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeURIComponent(coded)).toBe(text);
      }),
    );
  });
});

function message(length: number, fill = 0xff): Buffer {
  const bytes = Buffer.alloc(5 + length, fill);
  bytes[0] = 0;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

describe('MessageCounter', () => {
  it('counts whole messages wherever their bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(300), { maxLength: 12 }),
        fc.array(fc.nat(400), { maxLength: 12 }),
        (lengths, cuts) => {
          const body = Buffer.concat(lengths.map((length) => message(length)));
          const ends = [...cuts.map((cut) => cut % (body.length + 1)).sort((a, b) => a - b), body.length];
          const counter = new MessageCounter();
          let count = 0;
          let at = 0;
          for (const end of ends) {
            count += counter.take(body, at, end);
            at = end;
          }
          expect(count).toBe(lengths.length);
        },
      ),
    );
    const body = Buffer.concat([message(0), message(3), message(70_000)]);
    const counter = new MessageCounter();
    let count = 0;
    for (let at = 0; at < body.length; at++) count += counter.take(body, at, at + 1);
    expect(count).toBe(3);
  });

  it('does not count one that is not whole', () => {
    const body = message(10);
    expect(new MessageCounter().take(body, 0, 14)).toBe(0);
  });

  it('knows a frame that is exactly one message', () => {
    const bytes = Buffer.concat([Buffer.from('xx'), message(300), Buffer.from('xx')]);
    expect(isOneMessage(bytes, 2, 307)).toBe(true);
    expect(isOneMessage(bytes, 2, 306)).toBe(false);
    expect(isOneMessage(bytes, 2, 308)).toBe(false);
    expect(isOneMessage(bytes, 2, 6)).toBe(false);
    expect(isOneMessage(message(0), 0, 5)).toBe(true);
  });
});
