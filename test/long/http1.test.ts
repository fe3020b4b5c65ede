/**
 * A million connections, mutated from a list and from generated ones, through the reader and the writers of HTTP/1.1;
 * each is compared with llhttp (in this process) and Go's net/http, and every eighth is read in pieces, too. Ends after
 * 15 minutes, however far it is then; one core does it in two. `HTTP1_MESSAGES` (1,000,000), `HTTP1_MINUTES` (15), and
 * `HTTP1_SEED` (printed) repeat a run.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { differential, newTally, report } from '../conformance/http1-differential.ts';
import { mutated, seeded } from '../conformance/http1-mutate.ts';
import { differenceInPieces } from '../conformance/http1-support.ts';
import { bytesOf, validMessage } from '../conformance/http1-valid.ts';
import { goHttp1, goReads } from '../support/http1-go.ts';
import { peerTest } from '../support/peer.ts';

const total = Number(process.env.HTTP1_MESSAGES ?? 1_000_000);
const minutes = Number(process.env.HTTP1_MINUTES ?? 15);
const seed = Number(process.env.HTTP1_SEED ?? Math.floor(Math.random() * 2 ** 31));
const batch = 4000;

describe('mutated connections', () => {
  peerTest(goHttp1, `are read as llhttp and Go read them: ${total.toLocaleString('en')}`, async () => {
    const random = seeded(seed);
    const tally = newTally();
    const generated = fc
      .sample(fc.array(validMessage, { minLength: 1, maxLength: 3 }), { numRuns: 2000, seed })
      .map((messages) => messages.map(bytesOf).join(''));
    const start = performance.now();
    const end = start + minutes * 60_000;
    try {
      while (tally.connections < total && performance.now() < end) {
        // Up to three changes keep most messages near what is valid; up to eight go further away.
        const bytes = Array.from({ length: Math.min(batch, total - tally.connections) }, () =>
          mutated(random, random(4) === 0 ? 8 : 3, random(2) === 0 ? generated : undefined),
        );
        differential(bytes, goReads, tally);
        for (let i = 0; i < bytes.length; i += 8) {
          const one = bytes[i]!;
          expect(differenceInPieces(one, 1 + random(9)), JSON.stringify(one.toString('latin1'))).toBe('');
        }
      }
    } finally {
      const seconds = Math.round((performance.now() - start) / 1000);
      const heap = Math.round(process.memoryUsage().heapUsed / 1024 / 1024);
      console.info(`HTTP1_SEED=${seed}, ${seconds} s, heap ${heap} MiB\n${report(tally)}`);
    }
    expect(tally.refused).toBeGreaterThan(tally.connections / 5);
    expect(tally.goWritten).toBeGreaterThan(tally.connections / 3);
    expect(tally.llhttpWritten).toBeGreaterThan(tally.connections / 3);
  });
});
