import { connect, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
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
 * @param secure how TLS is spoken; null = in cleartext. @param alpn what is offered by ALPN; null = nothing.
 * @param prelude sent before everything else, TLS included.
 */
export function connectTransport(
  address: string,
  port: number,
  secure: SecureDial | null,
  alpn: 'h2' | 'http/1.1' | null,
  loop: Loop,
  owner: TransportOwner,
  prelude: Buffer | null = null,
): Transport {
  if (secure !== null) {
    const below = prelude === null ? null : preluded(address, port, prelude);
    const options = {
      ...secure.options,
      ...resumed(secure),
      ...(below === null ? { host: address, port } : { socket: below }),
      ...(alpn === null ? {} : { ALPNProtocols: [alpn] }),
      // Not among the options that are declared, and yet what it goes by.
      allowHalfOpen: true,
    };
    const socket = connectTls(options);
    if (below !== null) {
      below.on('error', (error) => socket.destroy(error));
      socket.once('close', () => below.destroy());
    }
    socket.on('session', (next) => {
      secure.session = next;
    });
    const kind = internals === null ? SocketTransport : SecuredTransport;
    return kind.connecting(socket, address, loop, owner);
  }
  const transport =
    internals === null
      ? SocketTransport.connect(address, port, loop, owner)
      : HandleTransport.connect(address, port, loop, owner);
  if (prelude !== null) transport.write(prelude, prelude.length);
  return transport;
}

/** A socket that TLS is spoken on once this has gone out: what is written first goes first. */
function preluded(address: string, port: number, prelude: Buffer): Socket {
  const socket = connect({ host: address, port });
  socket.write(prelude);
  return socket;
}

/** The session that was agreed on last, which saves most of a handshake (RFC 8446 2.2). */
function resumed({ session }: SecureDial): { session?: Buffer } {
  return session === undefined ? {} : { session };
}
