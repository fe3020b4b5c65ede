/**
 * A million connections, mutated from a list and from generated messages, through the reader and the writers of HTTP/1.1;
 * each is compared with llhttp (in this process) and Go's net/http, and every eighth is read in pieces, too. Then half as
 * many connections with answers. Ends after 15 minutes, however far it is then; one core does it in three.
 * `HTTP1_MESSAGES` (1,000,000), `HTTP1_MINUTES` (15), and `HTTP1_SEED` (printed) repeat a run.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { answers } from '../conformance/http1-answers.ts';
import {
  answerReaders,
  differential,
  newTally,
  type Readers,
  report,
  requestReaders,
} from '../conformance/http1-differential.ts';
import { mutated, seeded } from '../conformance/http1-mutate.ts';
import { differenceInPieces } from '../conformance/http1-support.ts';
import { bytesOf, validMessage } from '../conformance/http1-valid.ts';
import { goHttp1 } from '../support/http1-go.ts';
import { peerTest } from '../support/peer.ts';

const total = Number(process.env.HTTP1_MESSAGES ?? 1_000_000);
const minutes = Number(process.env.HTTP1_MINUTES ?? 15);
const seed = Number(process.env.HTTP1_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = seeded(seed);
const batch = 4000;

/** Up to three changes keep most messages near what is valid; up to eight go further away. */
const changes = (): number => (random(4) === 0 ? 8 : 3);

/**
 * Compares `wanted` connections in batches. @param readers by the number of the batch; @param look at each eighth
 * connection.
 */
function run(
  name: string,
  wanted: number,
  forMinutes: number,
  make: () => Buffer,
  readers: (n: number) => Readers,
  look: (bytes: Buffer) => void,
): void {
  const tally = newTally();
  const start = performance.now();
  const end = start + forMinutes * 60_000;
  try {
    for (let n = 0; tally.connections < wanted && performance.now() < end; n++) {
      const bytes = Array.from({ length: Math.min(batch, wanted - tally.connections) }, make);
      differential(bytes, readers(n), tally);
      for (let i = 0; i < bytes.length; i += 8) look(bytes[i]!);
    }
  } finally {
    const seconds = Math.round((performance.now() - start) / 1000);
    const heap = Math.round(process.memoryUsage().heapUsed / 1024 / 1024);
    console.info(`${name}: HTTP1_SEED=${seed}, ${seconds} s, heap ${heap} MiB\n${report(tally)}`);
  }
  expect(tally.refused).toBeGreaterThan(tally.connections / 5);
  expect(tally.goWritten).toBeGreaterThan(tally.connections / 3);
  expect(tally.llhttpWritten).toBeGreaterThan(tally.connections / 3);
}

describe('mutated connections', () => {
  peerTest(goHttp1, `are read as llhttp and Go read them: ${total.toLocaleString('en')}`, async () => {
    const generated = fc
      .sample(fc.array(validMessage, { minLength: 1, maxLength: 3 }), { numRuns: 2000, seed })
      .map((messages) => messages.map(bytesOf).join(''));
    run(
      'requests',
      total,
      (minutes * 2) / 3,
      () => mutated(random, changes(), random(2) === 0 ? generated : undefined),
      () => requestReaders,
      (bytes) =>
        expect(differenceInPieces(bytes, 1 + random(9)), JSON.stringify(bytes.toString('latin1'))).toBe(''),
    );
  });

  peerTest(goHttp1, `with answers, too: ${(total / 2).toLocaleString('en')}`, async () => {
    run(
      'answers',
      total / 2,
      minutes / 3,
      () => mutated(random, changes(), answers),
      (n) => answerReaders(n % 4 === 0 ? 'HEAD' : 'GET'),
      () => {},
    );
  });
});
