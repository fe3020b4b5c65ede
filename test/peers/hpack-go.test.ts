import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { Arena } from '../../src/protocol/hpack/arena.ts';
import { decoded } from '../../src/protocol/hpack/decoder-shared.ts';
import { EncoderTable } from '../../src/protocol/hpack/encoder-table.ts';
import { encodePlain } from '../../src/protocol/hpack/plain.ts';
import { decoderWith, plainFields } from '../support/decoder.ts';
import { type Peer, peerTest } from '../support/peer.ts';

const program = fileURLToPath(new URL('../../.peers/hpack-go', import.meta.url));
const peer: Peer = {
  name: 'Go’s hpack',
  probe: ['test', '-x', program],
  install: 'test/peers/setup.sh (needs Go)',
};
const seed = Math.floor(Math.random() * 2 ** 31);

function ask(lines: readonly object[]): string[] {
  const input = lines.map((line) => JSON.stringify(line)).join('\n');
  const run = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  expect(run.status, run.stderr).toBe(0);
  // A block without fields is an empty line, also where it is the first or the last.
  return run.stdout.replace(/\n$/, '').split('\n');
}

const value = fc.oneof(
  fc.constantFrom('', 'a', 'b'.repeat(70), 'token'.repeat(30)),
  fc.stringMatching(/^[!-~]([ -~]{0,200}[!-~])?$/),
);
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('x-one', 'x-two', 'cookie', 'accept', 'via', 'authorization') },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z0-9-]{1,60}$/).map((s) => `y-${s}`) },
);
const block = fc.record({
  size: fc.option(fc.constantFrom(0, 64, 200, 1000, 4096), { freq: 6, nil: undefined }),
  fields: fc.array(fc.tuple(name, value, fc.constantFrom('', '', 'never')), { maxLength: 12, size: 'max' }),
});

describe('Go’s hpack', () => {
  peerTest(peer, '2,000 blocks that it encodes are decoded to what it was given', async () => {
    const blocks = fc.sample(block, { numRuns: 2000, seed });
    const answers = ask(blocks);
    const arena = new Arena(262_144, 4);
    const decoder = decoderWith(arena);
    for (const [i, { fields }] of blocks.entries()) {
      const bytes = Buffer.from(answers[i] ?? '', 'hex');
      expect(decoder.decode(bytes, 0, bytes.length, false), `block ${i}, seed ${seed}`).toBe(decoded.ok);
      expect(plainFields(decoder, arena), `block ${i}, seed ${seed}`).toEqual(
        fields.map(([n, v, never]) => `${never === '' ? '' : '!'}${n}: ${v}`),
      );
    }
  });

  peerTest(
    peer,
    '2,000 blocks of plain and of indexed fields are decoded by it to what they say',
    async () => {
      const blocks = fc.sample(block, { numRuns: 2000, seed });
      const table = new EncoderTable();
      const lines = blocks.map(({ size, fields }, i) => {
        if (size !== undefined) table.allow(size);
        const target = Buffer.alloc(65_536);
        let to = table.begin(target, 0);
        for (const [n, v] of fields)
          to += encodePlain([{ name: n, value: v, neverIndexed: false }]).copy(target, to);
        // Eight long fields in turn: what is new in a slot, and what was there before.
        const token = i % 8;
        const bytes = encodePlain([
          { name: 'x-token', value: `${token}`.repeat(60 + token), neverIndexed: false },
        ]);
        to = table.write(target, to, { slot: token, generation: 1, bytes, tableSize: 39 + 60 + token });
        return { size, block: target.toString('hex', 0, to) };
      });
      const answers = ask(lines);
      for (const [i, { fields }] of blocks.entries()) {
        const token = `${i % 8}`.repeat(60 + (i % 8));
        const wanted = [...fields.map(([n, v]) => [n, v]), ['x-token', token]];
        expect(JSON.parse(answers[i] ?? ''), `block ${i}, seed ${seed}`).toEqual(wanted);
      }
    },
  );
});
