import { connect, createServer, type Socket } from 'node:net';
import { bridgeAddress } from './environment.ts';

/** A plain TCP forwarder in front of the API server, for tests in which the way there is bad. */
export interface Forwarder {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Connections taken since the beginning. */
  readonly accepted: number;
  /** Ends all connections at once, with a reset. */
  cut(): void;
  /** Whether new connections are refused at once (they are accepted and reset). */
  refuse(on: boolean): void;
  /** Whether bytes stop in both directions while connections stay open, as behind a firewall that has forgotten them. */
  freeze(on: boolean): void;
  stop(): Promise<void>;
}

/** Starts one on the bridge, at a free port. */
export async function startForwarder(target: { host: string; port: number }): Promise<Forwarder> {
  const open = new Set<Socket>();
  let refusing = false;
  let frozen = false;
  let accepted = 0;
  const server = createServer({ noDelay: true }, (client) => {
    accepted++;
    client.on('error', () => {});
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...target, noDelay: true });
    upstream.on('error', () => {});
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.once('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
    if (frozen) freezeOne(client, upstream);
  });
  const freezeOne = (...sockets: readonly Socket[]) => {
    for (const socket of sockets) socket.pause();
  };
  await new Promise<void>((resolve) => server.listen(0, bridgeAddress, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    get connections() {
      return open.size / 2;
    },
    get accepted() {
      return accepted;
    },
    cut: () => {
      for (const socket of open) socket.resetAndDestroy();
    },
    refuse: (on) => {
      refusing = on;
    },
    freeze: (on) => {
      frozen = on;
      for (const socket of open) on ? socket.pause() : socket.resume();
    },
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
