import { Socket, type SocketConstructorOpts } from 'node:net';
import type { ProxyEndpoints } from '../../protocol/proxy-protocol/header.ts';
import { type Accepted, closeAccepted, isHandle, type TcpHandle } from './tcp-handle.ts';

/** A socket with the handle below it. */
interface WithHandle {
  _handle: TcpHandle | null;
}

/** An accepted connection as a socket, for as long as its first bytes are read and put back. It does not read by itself. */
export function earlySocket(accepted: Accepted): Socket {
  if (!isHandle(accepted)) return accepted;
  const options = { handle: accepted, allowHalfOpen: true, pauseOnCreate: true };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  socket.setNoDelay(true);
  return socket;
}

/** What {@link earlySocket} was made of, without the socket. Bytes that the socket has read are the caller's to pass on. */
export function takeBack(socket: Socket): Accepted {
  const handle = (socket as unknown as WithHandle)._handle;
  if (handle === null || !isHandle(handle)) return socket;
  (socket as unknown as WithHandle)._handle = null;
  socket.destroy();
  return handle;
}

/** Drops it, with what was written to it going out first. */
export function dropEarly(socket: Socket): void {
  if (socket.writableEnded) socket.destroySoon();
  else closeAccepted(socket);
}

/** The two ends of a connection as the kernel has them: the source is the client. Null when it has gone already. */
export function endsOf(accepted: Accepted): ProxyEndpoints | null {
  const peer: SocketName = {};
  const own: SocketName = {};
  if (isHandle(accepted)) {
    if (accepted.getpeername(peer) !== 0 || accepted.getsockname(own) !== 0) return null;
  } else {
    Object.assign(peer, { address: accepted.remoteAddress, port: accepted.remotePort });
    Object.assign(own, { address: accepted.localAddress, port: accepted.localPort });
  }
  if (peer.address === undefined || own.address === undefined) return null;
  const source = plainAddress(peer.address);
  const destination = plainAddress(own.address);
  return {
    family: source.includes(':') ? 6 : 4,
    source,
    sourcePort: peer.port ?? 0,
    destination,
    destinationPort: own.port ?? 0,
  };
}

interface SocketName {
  address?: string;
  port?: number;
}

/** Without the prefix of an IPv4 address on an IPv6 socket, and without a zone. */
export function plainAddress(address: string): string {
  const mapped = address.startsWith('::ffff:') ? address.slice(7) : address;
  const zone = mapped.indexOf('%');
  return zone === -1 ? mapped : mapped.slice(0, zone);
}
