import { describe, expect, it } from 'vitest';
import { decoderWith, plainFields } from '../../../test/support/decoder.ts';
import { tableOf } from '../../../test/support/hpack.ts';
import { Arena } from './arena.ts';
import { decoded } from './decoder-shared.ts';
import { cursor, readInteger, writeInteger } from './integer.ts';
import { ResponseBlocks } from './response-blocks.ts';

/** The examples of RFC 7541, Appendix C: blocks in hexadecimal, and what the table holds after each. */
interface Example {
  readonly section: string;
  readonly block: string;
  readonly fields: readonly string[];
  readonly table: readonly string[];
  readonly size: number;
}

const customEntry = 'custom-key: custom-header';
const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const requests = (c: string, blocks: readonly [string, string, string]): Example[] => [
  { section: `${c}.1`, block: blocks[0], fields: first, table: [':authority: www.example.com'], size: 57 },
  {
    section: `${c}.2`,
    block: blocks[1],
    fields: [...first, 'cache-control: no-cache'],
    table: ['cache-control: no-cache', ':authority: www.example.com'],
    size: 110,
  },
  {
    section: `${c}.3`,
    block: blocks[2],
    fields: [
      ':method: GET',
      ':scheme: https',
      ':path: /index.html',
      ':authority: www.example.com',
      'custom-key: custom-value',
    ],
    table: ['custom-key: custom-value', 'cache-control: no-cache', ':authority: www.example.com'],
    size: 164,
  },
];

const date21 = 'date: Mon, 21 Oct 2013 20:13:21 GMT';
const date22 = 'date: Mon, 21 Oct 2013 20:13:22 GMT';
const location = 'location: https://www.example.com';
const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const responses = (c: string, blocks: readonly [string, string, string]): Example[] => [
  {
    section: `${c}.1`,
    block: blocks[0],
    fields: ['cache-control: private', date21, location],
    table: [location, date21, 'cache-control: private', ':status: 302'],
    size: 222,
  },
  {
    section: `${c}.2`,
    block: blocks[1],
    fields: ['cache-control: private', date21, location],
    table: [':status: 307', location, date21, 'cache-control: private'],
    size: 222,
  },
  {
    section: `${c}.3`,
    block: blocks[2],
    fields: ['cache-control: private', date22, location, 'content-encoding: gzip', cookie],
    table: [cookie, 'content-encoding: gzip', date22],
    size: 215,
  },
];

const c3 = requests('C.3', [
  '828684410f7777772e6578616d706c652e636f6d',
  '828684be58086e6f2d6361636865',
  '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
]);
const c4 = requests('C.4', [
  '828684418cf1e3c2e5f23a6ba0ab90f4ff',
  '828684be5886a8eb10649cbf',
  '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
]);
const c5 = responses('C.5', [
  '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e17' +
    '68747470733a2f2f7777772e6578616d706c652e636f6d',
  '4803333037c1c0bf',
  '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d41' +
    '53444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b207665727369' +
    '6f6e3d31',
]);
const c6 = responses('C.6', [
  '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97' +
    'c8e9ae82ae43d3',
  '4883640effc1c0bf',
  '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd' +
    '5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
]);

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

function check(examples: readonly Example[], tableLimit: number, result: number): void {
  const arena = new Arena(65_536, 4);
  const decoder = decoderWith(arena, tableLimit);
  for (const example of examples) {
    const block = hex(example.block);
    expect(decoder.decode(block, 0, block.length, false), example.section).toBe(result);
    const pseudo =
      result === decoded.ok
        ? [
            `:method: ${decoder.method}`,
            `:scheme: ${decoder.scheme}`,
            `:path: ${decoder.path?.text}`,
            `:authority: ${decoder.authority?.text}`,
          ]
        : [];
    expect([...pseudo, ...plainFields(decoder, arena)], example.section).toEqual(example.fields);
    expect(tableOf(decoder.table), example.section).toEqual({ fields: example.table, size: example.size });
  }
}

describe('RFC 7541, Appendix C', () => {
  it.each([
    ['C.1.1', 10, 0x1f, '0a'],
    ['C.1.2', 1337, 0x1f, '1f9a0a'],
    ['C.1.3', 42, 0xff, '2a'],
  ])('%s: the integer %i', (_, value, mask, bytes) => {
    const target = Buffer.alloc(8);
    expect(target.toString('hex', 0, writeInteger(target, 0, value, mask, 0))).toBe(bytes);
    expect(readInteger(hex(bytes), 0, bytes.length / 2, mask)).toBe(value);
    expect(cursor.position).toBe(bytes.length / 2);
  });

  it.each([
    ['C.2.1', '400a637573746f6d2d6b65790d637573746f6d2d686561646572', [customEntry], [customEntry], 55],
    ['C.2.3', '100870617373776f726406736563726574', ['!password: secret'], [], 0],
  ])('%s: one literal', (_, block, fields, table, size) => {
    const arena = new Arena(65_536, 4);
    const decoder = decoderWith(arena);
    expect(decoder.decode(hex(block), 0, block.length / 2, false)).toBe(decoded.ok);
    expect(plainFields(decoder, arena)).toEqual(fields);
    expect(tableOf(decoder.table)).toEqual({ fields: table, size });
  });

  it('C.2.2 and C.2.4: a path that is not indexed, an indexed method', () => {
    const decoder = decoderWith(new Arena(65_536, 4));
    const block = hex('82040c2f73616d706c652f70617468');
    expect(decoder.decode(block, 0, block.length, false)).toBe(decoded.ok);
    expect([decoder.method, decoder.path?.text, decoder.table.count]).toEqual(['GET', '/sample/path', 0]);
  });

  it('C.3: requests without Huffman coding', () => check(c3, 4096, decoded.ok));
  it('C.4: requests with Huffman coding', () => check(c4, 4096, decoded.ok));
  // A :status is malformed in a request, but its block is read to the end and the table is right.
  it('C.5: responses without Huffman coding, a table of 256', () => check(c5, 256, decoded.malformed));
  it('C.6: responses with Huffman coding, a table of 256', () => check(c6, 256, decoded.malformed));

  it.each([c5, c6])(
    'C.5.1, C.6.1: an upstream’s first block is read, one that refers to it is broken',
    (...examples) => {
      const blocks = new ResponseBlocks();
      const [head, second] = examples.map((example) => hex(example.block));
      const block = blocks.read(head!, 0, head!.length);
      expect([block.broken, block.problem, block.status]).toEqual([false, '', 302]);
      expect(blocks.read(second!, 0, second!.length).broken).toBe(true);
    },
  );
});
