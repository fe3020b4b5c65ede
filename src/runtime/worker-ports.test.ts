import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Listener } from '../model/snapshot.ts';
import { type ListeningHandle, openListening } from '../proxy/transport/listening-handle.ts';
import { closeAccepted } from '../proxy/transport/tcp-handle.ts';
import { WorkerPorts } from './worker-ports.ts';

const open: ListeningHandle[] = [];
afterEach(() => {
  for (const handle of open.splice(0)) handle.close();
});

function opened(): { handle: ListeningHandle; port: number; stray: () => number } {
  let stray = 0;
  const handle = openListening('127.0.0.1', 0, () => stray++) as ListeningHandle;
  open.push(handle);
  const name = { port: 0 };
  (handle as unknown as { getsockname(into: object): number }).getsockname(name);
  return { handle, port: name.port, stray: () => stray };
}

const listener = (name: string, port: number): Listener => ({
  name,
  address: null,
  port,
  protocol: 'http',
  securityModel: 'xfp',
  trustedHops: 0,
  proxyProtocol: false,
  virtualHosts: null,
});

/** Connects, and waits until the other side closes. */
async function knock(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.resume();
  await once(socket, 'close');
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('ports that a worker accepts from', () => {
  test('from the snapshot on that has a listener for them, under the name that it has then', async () => {
    const { handle, port, stray } = opened();
    const log: string[] = [];
    const ports = new WorkerPorts('127.0.0.1', (accepted, name) => {
      log.push(name);
      closeAccepted(accepted);
    });
    ports.take(`127.0.0.1 ${port}`, handle);
    const first = knock(port);
    await sleep(50);
    expect([log, stray()]).toEqual([[], 0]);
    ports.serve([listener('a', port)]);
    await first;
    ports.serve([listener('b', port)]);
    await knock(port);
    ports.serve([]);
    await knock(port);
    expect([log, stray()]).toEqual([['a', 'b'], 0]);
  });

  test('none after its end', async () => {
    const [{ handle, port }, later] = [opened(), opened()];
    const ports = new WorkerPorts('127.0.0.1', (accepted) => closeAccepted(accepted));
    ports.serve([listener('a', port)]);
    ports.take(`127.0.0.1 ${port}`, handle);
    await knock(port);
    ports.end();
    await expect(knock(port)).rejects.toThrow('ECONNREFUSED');
    ports.take(`127.0.0.1 ${later.port}`, later.handle);
    await expect(knock(later.port)).rejects.toThrow('ECONNREFUSED');
  });
});
