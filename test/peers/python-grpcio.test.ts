import { describe, expect } from 'vitest';
import { startHello } from '../support/hello.ts';
import { type Peer, peerTest, python, runPeer } from '../support/peer.ts';

const grpcio: Peer = {
  name: 'Python grpcio',
  probe: [python, '-c', 'import grpc'],
  install: 'python3 -m venv .peers/venv && .peers/venv/bin/pip install grpcio',
};

/** Raw messages: no generated code is needed. Prints how many calls each version answered. */
const program = `
import sys, grpc, collections
channel = grpc.insecure_channel(sys.argv[1])
raw = lambda b: b
call = channel.unary_unary('/helloworld.Greeter/SayHello', request_serializer=raw, response_deserializer=raw)
counts = collections.Counter()
futures = [call.future(b'\\n\\x05world', timeout=10) for _ in range(500)]
for f in futures:
    counts[f.result()[2:].decode().split()[-1]] += 1
print(counts['1.0'], counts['1.1'])
`;

describe('other people’s clients', () => {
  peerTest(grpcio, 'Python grpcio: of 500 calls at once 100 reach 1.1', async () => {
    const hello = await startHello(['--workers', '1']);
    try {
      const run = await runPeer([python, '-c', program, hello.serin.listen]);
      expect(run.code, run.err).toBe(0);
      const [stable, canary] = run.out.trim().split(' ').map(Number);
      expect(stable! + canary!).toBe(500);
      expect(Math.abs(canary! - 100)).toBeLessThanOrEqual(2);
    } finally {
      await hello.stop();
    }
  });
});
