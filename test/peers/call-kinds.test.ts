import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds, startKindsServer, streamedMessages } from '../support/kinds-server.ts';
import { startForAll } from '../support/mapping.ts';
import { type Peer, peerTest, python, runPeer } from '../support/peer.ts';
import type { RunningSerin } from '../support/serin.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const java = here('../../.peers/java');
const grpcJava: Peer = {
  name: 'grpc-java',
  probe: ['test', '-e', `${java}/classes/Peer.class`],
  install: 'test/peers/setup.sh (needs Java 17 and Maven)',
};
const grpcio: Peer = {
  name: 'Python grpcio',
  probe: [python, '-c', 'import grpc'],
  install: 'python3 -m venv .peers/venv && .peers/venv/bin/pip install grpcio',
};

const message = Buffer.alloc(1000);
/** What the two programs print. */
const allKinds = 'unary 100\nserver 100\nclient 100\nbidi 100\n';

describe('all four kinds of gRPC call', () => {
  let serin: RunningSerin;
  let stopServer = () => {};

  beforeAll(async () => {
    const server = await startKindsServer();
    stopServer = server.close;
    serin = await startForAll(server.port);
  });
  afterAll(async () => {
    await serin?.stop();
    stopServer();
  });

  peerTest(grpcJava, 'grpc-java', async () => {
    const run = await runPeer(['java', '-cp', `${java}/classes:${java}/dependency/*`, 'Peer', serin.listen]);
    expect(run.out, run.err).toBe(allKinds);
    expect(run.code, run.err).toBe(0);
  });

  peerTest(grpcio, 'Python grpcio', async () => {
    const run = await runPeer([python, here('grpc_kinds.py'), serin.listen]);
    expect(run.out, run.err).toBe(allKinds);
    expect(run.code, run.err).toBe(0);
  });

  test('grpc-js', async () => {
    const Client = grpc.makeGenericClientConstructor(kinds, 'serin.Kinds');
    const client = new Client(serin.listen, grpc.credentials.createInsecure());
    const deadline = Date.now() + 20_000;
    const answer = (call: (done: grpc.requestCallback<Buffer>) => unknown) =>
      new Promise<Buffer>((resolve, reject) => {
        call((error, value) => (error === null ? resolve(value!) : reject(error)));
      });
    const all = async (stream: AsyncIterable<Buffer>): Promise<number> => {
      let count = 0;
      for await (const one of stream) count += one.length === message.length ? 1 : 0;
      return count;
    };
    const same = (value: Buffer): Buffer => value;

    const unary = Array.from({ length: 100 }, () =>
      answer((done) => client.makeUnaryRequest(kinds.Unary.path, same, same, message, { deadline }, done)),
    );
    expect((await Promise.all(unary)).every((one) => one.equals(message))).toBe(true);

    const server = client.makeServerStreamRequest(kinds.ServerStream.path, same, same, message, { deadline });
    expect(await all(server)).toBe(streamedMessages);

    const counted = await answer((done) => {
      const call = client.makeClientStreamRequest(kinds.ClientStream.path, same, same, { deadline }, done);
      for (let i = 0; i < 100; i++) call.write(message);
      call.end();
    });
    expect(counted.toString()).toBe('100');

    const bidi = client.makeBidiStreamRequest(kinds.Bidi.path, same, same, { deadline });
    for (let i = 0; i < 100; i++) bidi.write(message);
    bidi.end();
    expect(await all(bidi)).toBe(100);
    client.close();
  });
});
