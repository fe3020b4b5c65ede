import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PeerConnection, PeerMessage } from '../conformance/http1-compare.ts';
import type { Peer } from './peer.ts';

const program = fileURLToPath(new URL('../../.peers/http1-go', import.meta.url));

/** `test/peers/go/http1`, which reads messages with Go's net/http. */
export const goHttp1: Peer = {
  name: 'Go’s net/http',
  probe: ['test', '-x', program],
  install: 'test/peers/setup.sh (needs Go)',
};

/**
 * What Go reads on each of these connections, which end behind their bytes: requests, or answers to requests with `method`
 * where there is one. Throws when the program fails.
 */
export function goReads(connections: readonly Buffer[], method = ''): PeerConnection[] {
  const parts: Buffer[] = [];
  for (const bytes of connections) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  const run = spawnSync(program, method === '' ? [] : [method], {
    input: Buffer.concat(parts),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (run.status !== 0) throw new Error(`Go’s net/http failed: ${run.stderr}`, { cause: run.error });
  const answers = run.stdout.split('\n').slice(0, -1);
  if (answers.length !== connections.length) throw new Error(`${answers.length} answers of Go`);
  return answers.map((line) => {
    const { messages, error } = JSON.parse(line) as { messages: PeerMessage[]; error: string };
    return {
      messages: messages.map((one) => ({
        ...one,
        body: Buffer.from(one.body, 'base64').toString('latin1'),
      })),
      error,
    };
  });
}
