import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { startForAll, startSecuredForAll } from '../support/mapping.ts';
import { type Peer, peerTest, runPeer } from '../support/peer.ts';
import type { RunningSerin } from '../support/serin.ts';

const h2spec = fileURLToPath(new URL('../../.peers/h2spec', import.meta.url));
const peer: Peer = { name: 'h2spec', probe: [h2spec, '--version'], install: 'test/peers/setup.sh' };

describe('h2spec', () => {
  peerTest(peer, 'no case of HTTP/2 and HPACK fails, with a backend whose body has 1 KiB', () =>
    holds(startForAll),
  );
  peerTest(peer, 'and none over TLS', () => holds(startSecuredForAll, '-t', '-k'));
});

async function holds(start: (port: number) => Promise<RunningSerin>, ...args: string[]): Promise<void> {
  // Not before the request is complete: a stream that both have ended meanwhile may rightly ignore what is wrong behind it.
  const backend = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('x'.repeat(1024)));
  });
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const serin = await start((backend.address() as AddressInfo).port);
  try {
    const [host, port] = serin.listen.split(':');
    const { out } = await runPeer([h2spec, '-h', host!, '-p', port!, '-P', '/', ...args]);
    const [, tests, passed, skipped, failed] =
      /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(out)?.map(Number) ?? [];
    console.log(
      `h2spec ${args.join(' ')}: ${tests} tests, ${passed} passed, ${skipped} skipped, ${failed} failed`,
    );
    expect(tests).toBeGreaterThan(100);
    expect(failed, out.slice(-6000)).toBe(0);
  } finally {
    await serin.stop();
    backend.close();
  }
}
