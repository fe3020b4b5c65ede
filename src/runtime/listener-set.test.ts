import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../cli/demo/free-port.ts';
import type { Listener } from '../model/snapshot.ts';
import { closeAccepted } from '../proxy/transport/tcp-handle.ts';
import { ListenerSet, type ListenFailure } from './listener-set.ts';
import { SharedPorts } from './shared-ports.ts';

const sets: ListenerSet[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const set of sets.splice(0)) set.close();
  for (const server of servers.splice(0)) server.close();
});

const listener = (port: number, address: string | null = null): Listener => ({
  name: `l${port}`,
  address,
  port,
  protocol: 'http',
  securityModel: 'xfp',
  trustedHops: 0,
  proxyProtocol: false,
  virtualHosts: null,
});

function make(shared: SharedPorts | null) {
  const [accepted, failures]: [string[], ListenFailure[]] = [[], []];
  const set = new ListenerSet({
    bind: '127.0.0.1',
    shared,
    onConnection: (connection, name) => {
      accepted.push(name);
      closeAccepted(connection);
    },
    onFailure: (failure) => failures.push(failure),
  });
  sets.push(set);
  return { set, accepted, failures };
}

async function reach(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect(port, host);
  const reached = once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.on('error', () => {});
  const result = await reached;
  socket.destroy();
  return result;
}

describe.each(['parent', 'workers'] as const)('listeners, accepted from by %s', (who) => {
  const shared = () => (who === 'workers' ? new SharedPorts() : null);

  test('what appears is opened, what goes is closed, the same port on another address is opened anew', async () => {
    const { set, accepted, failures } = make(shared());
    const [a, b] = [await freePort(0), await freePort(0)];
    await set.update([listener(a)]);
    expect([await reach(a), await reach(b)]).toEqual([true, false]);
    await set.update([listener(b), listener(a, 'localhost')]);
    expect([await reach(a, 'localhost'), await reach(b)]).toEqual([true, true]);
    await set.update([listener(b, '0.0.0.0')]);
    expect([await reach(a), await reach(b)]).toEqual([false, true]);
    set.close();
    expect(await reach(b)).toBe(false);
    expect(failures).toEqual([]);
    if (who === 'workers') expect(accepted).toEqual([]);
    else expect(accepted.length).toBeGreaterThan(0);
  });

  test('a port that is taken is told of, and opened when it is free', async () => {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = (server.address() as { port: number }).port;
    const { set, failures } = make(shared());
    await set.update([listener(port)]);
    expect(failures.map(({ code, listener }) => [code, listener.port])).toEqual([['EADDRINUSE', port]]);
    server.close();
    await new Promise((resolve) => setTimeout(resolve, 1300));
    expect(await reach(port)).toBe(true);
    expect(failures.length).toBe(1);
  });

  test('closed while a port is being opened, it stays closed', async () => {
    const { set } = make(shared());
    const port = await freePort(0);
    const opening = set.update([listener(port)]);
    await Promise.resolve();
    set.close();
    await opening;
    expect(await reach(port)).toBe(false);
  });
});
