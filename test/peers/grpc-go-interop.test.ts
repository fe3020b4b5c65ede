import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { freePort } from '../../src/cli/demo/free-port.ts';
import { type SecuredAll, startSecuredForAll } from '../support/mapping.ts';
import { isInstalled, type Peer, peerTest, runPeer } from '../support/peer.ts';
import { until } from '../support/serin.ts';

const folder = fileURLToPath(new URL('../../.peers/interop', import.meta.url));
const peer: Peer = {
  name: 'grpc-go interop',
  probe: ['test', '-x', `${folder}/client`],
  install: 'test/peers/setup.sh',
};

/** All cases that need no credentials of a cloud's. */
const cases = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
];

describe('grpc-go’s interop client and server through the gateway', () => {
  let serin: SecuredAll | null = null;
  let stopServer = () => {};

  beforeAll(async () => {
    if (!isInstalled(peer)) return;
    const port = await freePort(0);
    const server = spawn(`${folder}/server`, ['-port', String(port)], { stdio: 'ignore' });
    stopServer = () => void server.kill('SIGKILL');
    await until(
      () =>
        new Promise<boolean>((resolve) => {
          const socket = connect(port, '127.0.0.1');
          socket.once('connect', () => {
            socket.destroy();
            resolve(true);
          });
          socket.once('error', () => resolve(false));
        }),
      10_000,
    );
    serin = await startSecuredForAll(port);
  });
  afterAll(async () => {
    await serin?.stop();
    stopServer();
  });

  for (const name of cases) {
    peerTest(peer, name, () => holds(name));
    peerTest(peer, `${name}, over TLS`, () =>
      holds(name, '-use_tls', '-use_test_ca', '-ca_file', serin!.authority),
    );
  }

  async function holds(name: string, ...args: string[]): Promise<void> {
    const [host, port] = serin!.listen.split(':');
    const run = await runPeer([
      `${folder}/client`,
      '-server_host',
      host!,
      '-server_port',
      port!,
      '-test_case',
      name,
      ...args,
    ]);
    expect(run.code, run.err + run.out).toBe(0);
  }
});
