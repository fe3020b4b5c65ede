import { constants, createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsContext } from '../../model/tls.ts';
import { cipherList, suites12 } from './ciphers.ts';

/** Who waits for a handshake. */
export interface HandshakeOwner {
  /** It is complete, and the client is whom the context demands. */
  onSecured(socket: TLSSocket): void;
  /** It has failed, and the socket is gone. */
  onFailed(error: NodeJS.ErrnoException, isUnauthorised: boolean): void;
}

/** What all contexts have in common. */
export interface ContextServerOptions {
  /** 48 random bytes, the same in all workers, so that a ticket of one resumes on each (RFC 5077, RFC 8446 4.6.1). */
  readonly ticketKeys: Uint8Array;
  /** Milliseconds after which Node gives a handshake up; ours comes first. */
  readonly handshakeTimeoutMs: number;
}

/** Where Node keeps the socket below a TLS socket: the one thing that tells whose handshake is complete. */
interface WithParent {
  readonly _parent?: Socket;
}

/**
 * Handshakes with one context. One that asks for client certificates gives no tickets: a session that is resumed has the
 * client's certificate without its chain, and nobody looks at its time and at lists of revoked ones again.
 * It is Node's TLS server without a port: connections are put into it (`'connection'`, as Node documents), which is where
 * Node verifies client certificates. Made once a context, since it reads certificates.
 */
export class ContextServer {
  readonly #server: Server;
  readonly #owners = new WeakMap<Socket, HandshakeOwner>();

  /** Throws where OpenSSL refuses what the context says. */
  constructor(context: TlsContext, { ticketKeys, handshakeTimeoutMs }: ContextServerOptions) {
    const { certificate, minVersion, maxVersion, alpn, cipherSuites, ecdhCurves, ca, crl } = context;
    const old = suites12(cipherSuites);
    const asks = context.clientCertificates !== 'off';
    const server = createServer({
      cert: certificate!.chain,
      key: certificate!.privateKey,
      minVersion,
      maxVersion,
      ALPNProtocols: [...alpn],
      ...(cipherSuites.length > 0 ? { ciphers: cipherList(old) } : {}),
      ...(ecdhCurves.length > 0 ? { ecdhCurve: ecdhCurves.join(':') } : {}),
      ...(asks && ca !== null ? { ca } : {}),
      ...(asks && crl !== null ? { crl } : {}),
      requestCert: asks,
      rejectUnauthorized: context.clientCertificates === 'required',
      sessionIdContext: sessionContext(context),
      ticketKeys: Buffer.from(ticketKeys),
      secureOptions: noRenegotiation | (asks ? constants.SSL_OP_NO_TICKET : 0),
      handshakeTimeout: handshakeTimeoutMs,
    });
    server.on('secureConnection', (socket) => this.#secured(socket, asks));
    server.on('tlsClientError', (error, socket) => {
      const isUnauthorised = Boolean((socket as { authorizationError?: unknown }).authorizationError);
      this.#ownerOf(socket)?.onFailed(error, isUnauthorised);
    });
    this.#server = server;
  }

  /** Other keys for tickets: those that were given before are not taken any more, and their clients make a full handshake. */
  setTicketKeys(keys: Uint8Array): void {
    this.#server.setTicketKeys(Buffer.from(keys));
  }

  /** Begins a handshake; what the socket has read already must have been put back (`unshift`). */
  begin(socket: Socket, owner: HandshakeOwner): void {
    this.#owners.set(socket, owner);
    this.#server.emit('connection', socket);
  }

  #secured(socket: TLSSocket, asks: boolean): void {
    const owner = this.#ownerOf(socket);
    // Optional means that none need be shown, not that any will do.
    const isUnauthorised = asks && !socket.authorized && socket.getPeerX509Certificate() !== undefined;
    if (owner !== undefined && !isUnauthorised) return owner.onSecured(socket);
    socket.on('error', () => {});
    socket.destroy();
    owner?.onFailed(new Error('the client certificate is not believed'), true);
  }

  #ownerOf(socket: TLSSocket): HandshakeOwner | undefined {
    const below = (socket as unknown as WithParent)._parent;
    const owner = below === undefined ? undefined : this.#owners.get(below);
    if (below !== undefined) this.#owners.delete(below);
    return owner;
  }
}

/**
 * OpenSSL's SSL_OP_NO_RENEGOTIATION, which Node does not name. Handshakes without end over one connection of TLS 1.2 cost the
 * server most of the work (CVE-2011-1473), Node's own limit only reports them, and a certificate that a client shows in a second
 * handshake would be looked at by nobody. HTTP/2 forbids it (RFC 9113 9.2.1), and TLS 1.3 has none.
 */
const noRenegotiation = 0x4000_0000;

/**
 * Sessions resume in the context in which they were made, and only as long as it asks the same of clients: a ticket of
 * another one must be no way round its certificates. At most 32 characters (SSL_MAX_SID_CTX_LENGTH).
 */
function sessionContext(context: TlsContext): string {
  const { name, certificate, clientCertificates, ca, crl } = context;
  const text = JSON.stringify([name, certificate?.chain, clientCertificates, ca, crl]);
  return createHash('sha256').update(text).digest('base64').slice(0, 32);
}
