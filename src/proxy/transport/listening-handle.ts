import { isIPv6 } from 'node:net';
import { configure, internals, type TcpHandle } from './tcp-handle.ts';

/** A TCP handle with what a listening one has besides; the same libuv stream. */
export interface ListeningHandle extends TcpHandle {
  /** Number of the file descriptor, negative when there is none. */
  readonly fd: number;
  onconnection: (status: number, accepted: TcpHandle | undefined) => void;
  bind(address: string, port: number): number;
  bind6(address: string, port: number, flags: number): number;
  open(fd: number): number;
  listen(backlog: number): number;
}

/** Connections that the kernel keeps for whoever accepts next. */
export const BACKLOG = 1024;

/** True where this Node lets a process hold a listening handle that another one accepts from. */
export const canShareListening = hasListening();

function hasListening(): boolean {
  if (internals === null) return false;
  const { prototype } = internals.TCP;
  const methods = ['bind', 'bind6', 'open', 'listen', 'readStart', 'readStop'];
  return methods.every(
    (name) => typeof (prototype as unknown as Record<string, unknown>)[name] === 'function',
  );
}

/**
 * Opens a port in the kernel without accepting from it: connections wait in its backlog until a process that was given the
 * handle accepts ({@link acceptFrom}). `take` gets what comes to this process should a Node poll the handle nevertheless.
 * @param address an IP address. @returns the handle, or libuv's negative error number.
 */
export function openListening(
  address: string,
  port: number,
  take: (accepted: TcpHandle) => void,
): ListeningHandle | number {
  const handle = new internals!.TCP(internals!.serverKind) as ListeningHandle;
  handle.onconnection = taker(take);
  const status =
    (isIPv6(address) ? handle.bind6(address, port, 0) : handle.bind(address, port)) ||
    // Its own descriptor once more: only a stream that counts as readable can be stopped below.
    handle.open(handle.fd) ||
    handle.listen(BACKLOG);
  if (status !== 0) {
    handle.close();
    return status;
  }
  configure(handle);
  // libuv has no word for "listen, but do not poll". Both kinds of reading watch the same descriptor, so stopping the one stops
  // the other; all in one turn, so that nothing was polled yet.
  handle.readStart();
  handle.readStop();
  return handle;
}

/** Accepts from a handle that another process has opened; it ends with the handle's `close`. */
export function acceptFrom(handle: ListeningHandle, take: (accepted: TcpHandle) => void): void {
  handle.onconnection = taker(take);
  const status = handle.listen(BACKLOG);
  if (status !== 0) throw new Error(`a shared port cannot be accepted from (${status})`);
}

function taker(take: (accepted: TcpHandle) => void): ListeningHandle['onconnection'] {
  return (status, accepted) => {
    // An error (EMFILE) concerns one connection: it stays in the backlog or is the client's to try again.
    if (status === 0 && accepted !== undefined) take(accepted);
  };
}
