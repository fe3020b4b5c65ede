import type { Loop } from '../loop.ts';
import { HandleTransport } from './handle-transport.ts';
import { SocketTransport } from './socket-transport.ts';
import { type Accepted, internals, isHandle } from './tcp-handle.ts';
import type { Transport, TransportOwner } from './transport.ts';

/** A transport over an accepted connection; bytes come to `owner` from the next turn on. */
export function acceptTransport(accepted: Accepted, loop: Loop, owner: TransportOwner): Transport {
  if (isHandle(accepted)) return HandleTransport.accepted(accepted, loop, owner);
  return SocketTransport.accepted(accepted, loop, owner);
}

/** Connects to an IP address and port; what is written meanwhile waits, and a failure comes as `onClosed`. */
export function connectTransport(
  address: string,
  port: number,
  loop: Loop,
  owner: TransportOwner,
): Transport {
  if (internals === null) return SocketTransport.connect(address, port, loop, owner);
  return HandleTransport.connect(address, port, loop, owner);
}
