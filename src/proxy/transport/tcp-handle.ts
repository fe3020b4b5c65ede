import type { Server, Socket } from 'node:net';

/** libuv's TCP stream as Node wraps it (lib/net.js stands on it). Errors are negative numbers of libuv. */
export interface TcpHandle {
  /** The file descriptor; negative where there is none (any more). */
  readonly fd: number;
  onread: (this: TcpHandle) => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  shutdown(request: Request): number;
  connect(request: Request, address: string, port: number): number;
  connect6(request: Request, address: string, port: number): number;
  close(done?: () => void): void;
  /** Closes with RST; an error where a FIN is under way. Null in a Node without it. */
  reset?(done?: () => void): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, seconds: number): number;
  getpeername(into: { address?: string; port?: number }): number;
  getsockname(into: { address?: string; port?: number }): number;
}

/** A request to libuv that ends later. */
export interface Request {
  oncomplete: (status: number) => void;
}

/** A write; the bytes are kept alive by it. */
export interface WriteRequest extends Request {
  buffer?: Uint8Array;
}

/** What an accepted connection is: a handle, or a socket where Node gives no handles. */
export type Accepted = TcpHandle | Socket;

interface Internals {
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => Request;
  readonly ConnectWrap: new () => Request;
  readonly TCP: new (kind: number) => TcpHandle;
  readonly socketKind: number;
  readonly serverKind: number;
  /** Numbers that Node's C++ leaves after a read or a write. */
  readonly state: Int32Array;
  readonly readBytes: number;
  readonly lastWriteWasAsync: number;
}

/**
 * Node's own parts beneath `net`, or null where this Node does not give them: then sockets do the same work at
 * 1 to 2 µs more a request and twice the memory a connection. `process.binding` is deprecated in the documentation
 * (DEP0111) and there in Node 20 to 26; nothing else gives the length of a read.
 */
export const internals: Internals | null = findInternals();

function findInternals(): Internals | null {
  try {
    const binding = (process as unknown as { binding(name: string): Record<string, unknown> }).binding;
    const stream = binding.call(process, 'stream_wrap');
    const tcp = binding.call(process, 'tcp_wrap');
    const prototype = (tcp.TCP as { prototype: Record<string, unknown> }).prototype;
    const functions = [stream.WriteWrap, stream.ShutdownWrap, tcp.TCPConnectWrap, tcp.TCP];
    const methods = ['useUserBuffer', 'readStart', 'readStop', 'writeBuffer', 'shutdown', 'connect', 'close'];
    if (!functions.every((one) => typeof one === 'function')) return null;
    if (!methods.every((name) => typeof prototype[name] === 'function')) return null;
    const { kReadBytesOrError, kLastWriteWasAsync, streamBaseState } = stream;
    if (!(streamBaseState instanceof Int32Array) || typeof kReadBytesOrError !== 'number') return null;
    const kinds = tcp.constants as { SOCKET?: unknown; SERVER?: unknown } | undefined;
    const { SOCKET, SERVER } = kinds ?? {};
    if (typeof kLastWriteWasAsync !== 'number') return null;
    if (typeof SOCKET !== 'number' || typeof SERVER !== 'number') return null;
    return {
      WriteWrap: stream.WriteWrap as Internals['WriteWrap'],
      ShutdownWrap: stream.ShutdownWrap as Internals['ShutdownWrap'],
      ConnectWrap: tcp.TCPConnectWrap as Internals['ConnectWrap'],
      TCP: tcp.TCP as Internals['TCP'],
      socketKind: SOCKET,
      serverKind: SERVER,
      state: streamBaseState,
      readBytes: kReadBytesOrError,
      lastWriteWasAsync: kLastWriteWasAsync,
    };
  } catch {
    return null;
  }
}

const keepAliveAfterSeconds = 60;

/**
 * Settings of every connection: small writes go out at once, and keep-alive finds peers that vanished without a word, also under
 * calls that are silent for hours.
 */
export function configure(handle: TcpHandle): void {
  handle.setNoDelay(true);
  handle.setKeepAlive(true, keepAliveAfterSeconds);
}

/** On Linux accepted connections have the settings of the listening socket: four system calls less for each. */
const inherits = process.platform === 'linux';

/** As {@link configure}, for connections of a listening handle that went through it. */
export function configureAccepted(handle: TcpHandle): void {
  if (!inherits) configure(handle);
}

/** True for a handle, false for a socket. */
export function isHandle(accepted: Accepted): accepted is TcpHandle {
  return internals !== null && accepted instanceof internals.TCP;
}

/**
 * Has a listening server give its connections as handles, without a socket for each; where that is not possible, as paused
 * sockets. @param server made with `pauseOnConnect`, already listening.
 */
export function onAccepted(server: Server, take: (accepted: Accepted) => void): void {
  const listening = (server as unknown as { _handle: { onconnection?: unknown } | null })._handle;
  if (internals === null || typeof listening?.onconnection !== 'function') {
    server.on('connection', take);
    return;
  }
  configure(listening as unknown as TcpHandle);
  listening.onconnection = (status: number, handle: TcpHandle | undefined): void => {
    // An error (EMFILE) concerns one connection: it stays in the backlog or is the client's to try again.
    if (status === 0 && handle !== undefined) take(handle);
  };
}

/** Closes a connection that nobody took over. */
export function closeAccepted(accepted: Accepted): void {
  if (isHandle(accepted)) accepted.close();
  else accepted.destroy();
}

/** The other end's IP address as the socket has it; '' when it has gone already. */
export function peerAddressOf(accepted: Accepted): string {
  if (!isHandle(accepted)) return accepted.remoteAddress ?? '';
  const peer: { address?: string } = {};
  return accepted.getpeername(peer) === 0 ? (peer.address ?? '') : '';
}
