import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { answers } from '../conformance/http1-answers.ts';
import {
  answerReaders,
  differential,
  newTally,
  report,
  requestReaders,
} from '../conformance/http1-differential.ts';
import { mutated, seeded } from '../conformance/http1-mutate.ts';
import { readConnection } from '../conformance/http1-support.ts';
import { bytesOf, validMessage } from '../conformance/http1-valid.ts';
import { goHttp1 } from '../support/http1-go.ts';
import { peerTest } from '../support/peer.ts';

const seed = Number(process.env.HTTP1_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe('Go’s net/http and llhttp', () => {
  peerTest(
    goHttp1,
    'read what is accepted of 8,000 mutated messages as the same, as it came and as it is sent on',
    async () => {
      const random = seeded(seed);
      const tally = newTally();
      try {
        differential(
          Array.from({ length: 8000 }, () => mutated(random)),
          requestReaders,
          tally,
        );
      } finally {
        console.info(`HTTP1_SEED=${seed}\n${report(tally)}`);
      }
      // Enough of each that the comparison says something.
      expect(tally.refused).toBeGreaterThan(1600);
      expect(tally.goRaw).toBeGreaterThan(2400);
      expect(tally.goWritten).toBeGreaterThan(3200);
      expect(tally.llhttpWritten).toBeGreaterThan(3200);
    },
  );

  peerTest(goHttp1, 'read 3,000 valid messages, which are all accepted', async () => {
    const connections = fc
      .sample(fc.array(validMessage, { minLength: 1, maxLength: 4 }), { numRuns: 1200, seed })
      .map((messages) => Buffer.from(messages.map(bytesOf).join(''), 'latin1'));
    let messages = 0;
    for (const bytes of connections) {
      const read = readConnection(bytes);
      expect(read, `seed ${seed}`).toMatchObject({ status: 0, problem: '', complete: true });
      messages += read.messages.length;
    }
    expect(messages).toBeGreaterThan(2500);
    const tally = newTally();
    differential(connections, requestReaders, tally);
    console.info(`HTTP1_SEED=${seed}\n${report(tally)}`);
    expect(tally.refused).toBe(0);
    expect(tally.goWritten).toBeGreaterThan(messages / 2);
  });

  peerTest(
    goHttp1,
    'read what is accepted of 8,000 mutated answers as the same, to GET and to HEAD',
    async () => {
      const random = seeded(seed);
      for (const method of ['GET', 'HEAD']) {
        const tally = newTally();
        try {
          differential(
            Array.from({ length: 4000 }, () => mutated(random, 3, answers)),
            answerReaders(method),
            tally,
          );
        } finally {
          console.info(`HTTP1_SEED=${seed}, answers to ${method}\n${report(tally)}`);
        }
        expect(tally.refused).toBeGreaterThan(800);
        expect(tally.goWritten).toBeGreaterThan(1600);
        expect(tally.llhttpWritten).toBeGreaterThan(1600);
      }
    },
  );
});
