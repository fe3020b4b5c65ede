import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import type { Loop } from '../loop.ts';
import type { SecureDial } from '../tls/upstream-contexts.ts';
import { HandleTransport } from './handle-transport.ts';
import { SecuredTransport } from './secured-transport.ts';
import { SocketTransport } from './socket-transport.ts';
import { type Accepted, internals, isHandle } from './tcp-handle.ts';
import type { Transport, TransportOwner } from './transport.ts';

/** A transport over an accepted connection; bytes come to `owner` from the next turn on. */
export function acceptTransport(accepted: Accepted, loop: Loop, owner: TransportOwner): Transport {
  if (isHandle(accepted)) return HandleTransport.accepted(accepted, loop, owner);
  if (internals !== null && accepted instanceof TLSSocket)
    return SecuredTransport.accepted(accepted, loop, owner);
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
    const socket = connectTls({
      ...secure.options,
      ...resumed(secure),
      host: address,
      port,
      ALPNProtocols: [alpn],
      allowHalfOpen: true,
    } as ConnectionOptions);
    socket.on('session', (next) => {
      secure.session = next;
    });
    const kind = internals === null ? SocketTransport : SecuredTransport;
    return kind.connecting(socket, address, loop, owner);
  }
  if (internals === null) return SocketTransport.connect(address, port, loop, owner);
  return HandleTransport.connect(address, port, loop, owner);
}

/** The session that was agreed on last, which saves most of a handshake (RFC 8446 2.2). */
function resumed({ session }: SecureDial): { session?: Buffer } {
  return session === undefined ? {} : { session };
}
