import type { Loop } from '../loop.ts';
import type { SecureDial } from '../tls/upstream-contexts.ts';
import { HandleTransport } from './handle-transport.ts';
import { SocketTransport } from './socket-transport.ts';
import { type Accepted, internals, isHandle } from './tcp-handle.ts';
import type { Transport, TransportOwner } from './transport.ts';

/** A transport over an accepted connection; bytes come to `owner` from the next turn on. */
export function acceptTransport(accepted: Accepted, loop: Loop, owner: TransportOwner): Transport {
  if (isHandle(accepted)) return HandleTransport.accepted(accepted, loop, owner);
  return SocketTransport.accepted(accepted, loop, owner);
}

/**
 * Connects to an IP address and port; what is written meanwhile waits, and a failure comes as `onClosed`.
 * @param secure how TLS is spoken; null = in cleartext. @param alpn what is offered by ALPN.
 */
export function connectTransport(
  address: string,
  port: number,
  secure: SecureDial | null,
  alpn: 'h2' | 'http/1.1',
  loop: Loop,
  owner: TransportOwner,
): Transport {
  if (secure !== null) {
    const { options, session } = secure;
    const resumed = session === undefined ? options : { ...options, session };
    return SocketTransport.connectSecured(
      address,
      port,
      { ...resumed, ALPNProtocols: [alpn] },
      loop,
      owner,
      (next) => {
        secure.session = next;
      },
    );
  }
  if (internals === null) return SocketTransport.connect(address, port, loop, owner);
  return HandleTransport.connect(address, port, loop, owner);
}
