import { describe, expect, it } from 'vitest';
import { integer, string } from '../../../test/support/hpack.ts';
import { decodePlain, encodePlain } from './plain.ts';
import { type ResponseBlock, ResponseBlocks } from './response-blocks.ts';

const plain = (...fields: [string, string][]): Buffer =>
  encodePlain(fields.map(([name, value]) => ({ name, value, neverIndexed: false })));

const read = (block: Buffer, blocks = new ResponseBlocks()): ResponseBlock =>
  blocks.read(block, 0, block.length);

const fieldsOf = (block: ResponseBlock): string[] =>
  decodePlain(block.bytes, 0, block.length).map((f) => `${f.neverIndexed ? '!' : ''}${f.name}: ${f.value}`);

describe('ResponseBlocks', () => {
  it('knows status, gRPC status and length, and passes all fields on', () => {
    const block = read(
      plain([':status', '200'], ['content-length', '12'], ['grpc-status', '14'], ['x', 'y']),
    );
    expect(block).toMatchObject({
      status: 200,
      contentLength: 12,
      grpcStatus: 14,
      problem: '',
      broken: false,
    });
    expect(fieldsOf(block)).toEqual([':status: 200', 'content-length: 12', 'grpc-status: 14', 'x: y']);
  });

  it('gives the same for the same bytes, the first time and the tenth, mixed with others', () => {
    const blocks = new ResponseBlocks();
    const heads = Array.from({ length: 20 }, (_, i) => plain([':status', '200'], ['x-number', String(i)]));
    for (let round = 0; round < 10; round++) {
      for (const [i, head] of heads.entries()) {
        expect(fieldsOf(read(head, blocks))).toEqual([':status: 200', `x-number: ${i}`]);
      }
    }
  });

  it('does not look at the bytes of the read buffer again', () => {
    const blocks = new ResponseBlocks();
    const head = plain([':status', '204'], ['x', 'y']);
    for (let round = 0; round < 5; round++) {
      const buffer = Buffer.from(head);
      const block = read(buffer, blocks);
      buffer.fill(0);
      expect(fieldsOf(block)).toEqual([':status: 204', 'x: y']);
    }
  });

  it('writes what an upstream wants indexed without indexing, and keeps marks', () => {
    const block = Buffer.concat([
      Buffer.from([0x20, 0x88, 0x40]),
      string('x-a', false),
      string('one', true),
      Buffer.from([0x10]),
      string('x-b', true),
      string('two', false),
      integer(31, 0x3f, 0x40),
      string('text/plain', false),
    ]);
    expect(fieldsOf(read(block))).toEqual([
      ':status: 200',
      'x-a: one',
      '!x-b: two',
      'content-type: text/plain',
    ]);
  });

  it.each([
    ['two :status', plain([':status', '200'], [':status', '200'])],
    ['a :status behind a field', plain(['x', 'y'], [':status', '200'])],
    ['a :status of 99', plain([':status', '99'])],
    ['a pseudo-header of requests', plain([':status', '200'], [':path', '/'])],
    ['a connection-specific field', plain([':status', '200'], ['connection', 'close'])],
    ['a name in upper case', plain([':status', '200'], ['X-Upper', 'a'])],
    ['a line break in a value', plain([':status', '200'], ['x', 'a\r\nb'])],
    ['a raw NUL', Buffer.concat([Buffer.from([0x88, 0x00]), string('x', false), string('\0', false)])],
    ['a space in front', plain([':status', '200'], ['x', ' aaaaaaaaaaaaaaaaaaaa'])],
    ['two lengths that differ', plain([':status', '200'], ['content-length', '1'], ['content-length', '2'])],
    ['a length that is no number', plain([':status', '200'], ['content-length', '1x'])],
  ])('finds the problem: %s', (_, block) => {
    expect(read(block)).toMatchObject({ broken: false });
    expect(read(block).problem).not.toBe('');
  });

  it.each([
    ['a reference to a table of size 0', 'be'],
    ['index 0', '80'],
    ['a name from the table', '7e0161'],
    ['a table size above 0', '3f0188'],
    ['a size update behind a field', '8820'],
    ['a value that is cut', '88000178053131'],
    ['a name that is cut', '8800056162'],
    ['wrong Huffman padding', '8800017881 1e'.replace(' ', '')],
  ])('says that a block is broken: %s', (_, hex) => expect(read(Buffer.from(hex, 'hex')).broken).toBe(true));

  it('is broken or shorter at every cut, and never throws', () => {
    const whole = plain(
      [':status', '200'],
      ['content-type', 'application/grpc'],
      ['x-long-name', 'v'.repeat(300)],
    );
    for (let cut = 0; cut < whole.length; cut++) {
      const block = read(whole.subarray(0, cut));
      if (!block.broken) expect(fieldsOf(block).length).toBeLessThan(3);
    }
  });

  it.each([
    ['0', 0],
    ['16', 16],
    ['17', 17],
    ['x', 17],
    ['', 17],
    ['00', 17],
  ])('takes the gRPC status %j for %i', (text, value) =>
    expect(read(plain(['grpc-status', text])).grpcStatus).toBe(value),
  );
});
