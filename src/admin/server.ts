import { readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, isIPv6 } from 'node:net';
import { createAdaptorServer, serve } from '@hono/node-server';
import { adminApp } from './app.ts';
import type { AdminState } from './state.ts';

/** Where the admin server listens and who may read. */
export interface AdminOptions {
  readonly address: string;
  readonly port: number;
  /** File whose first line is the token; null = none. */
  readonly tokenFile: string | null;
}

/** A running admin server. */
export interface AdminServer {
  /** `http://127.0.0.1:8877`. */
  readonly url: string;
  close(): void;
}

/** Starts the admin server; rejects with one line for the user when the port is taken or the token cannot be read. */
export async function startAdmin(state: AdminState, options: AdminOptions): Promise<AdminServer> {
  const token = options.tokenFile === null ? null : readToken(options.tokenFile);
  const app = adminApp(state, { address: options.address, token, socket: false });
  const { address, port } = options;
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: address, port, overrideGlobalObjects: false });
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is taken' : error.message;
      reject(new Error(`--admin ${address}:${port}: ${why}; choose another with --admin HOST:PORT`));
    });
    server.once('listening', () => {
      const bound = server.address() as AddressInfo;
      const host = isIPv6(bound.address) ? `[${bound.address}]` : bound.address;
      resolve({ url: `http://${host}:${bound.port}`, close: () => void server.close() });
    });
  });
}

/** Longest path of a socket in bytes (sockaddr_un on Linux, without the zero at its end); a longer one is cut off without a word. */
const MOST_PATH = 107;

/**
 * Serves the same on a socket in the file system that only its owner can open. Rejects with one line for the user, also where another
 * gateway answers there already: two would overwrite each other's state.
 */
export async function startAdminSocket(state: AdminState, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MOST_PATH)
    throw new Error(
      `${path}: longer than the ${MOST_PATH} bytes that a socket's path may have; choose another --state`,
    );
  if (await answers(path))
    throw new Error(`${path}: another serin uses this folder; end it, or choose another --state`);
  const app = adminApp(state, { address: '', token: null, socket: true });
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false });
  // One that a gateway which is gone has left.
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`${path}: ${error.message}`)));
    // It must not be open to others even for a moment.
    const before = process.umask(0o177);
    server.listen(path, () => resolve());
    process.umask(before);
  });
}

/** Whether somebody listens on a socket in the file system. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').split('\n')[0]!.trim();
  } catch (error) {
    throw new Error(`--admin-token-file ${file}: ${(error as Error).message}`);
  }
  if (token.length < 16)
    throw new Error(`--admin-token-file ${file}: its first line needs at least 16 characters`);
  return token;
}
