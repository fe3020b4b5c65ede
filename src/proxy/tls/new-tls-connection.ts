import type { TLSSocket } from 'node:tls';
import { GatewayCount, type TlsFailure, tlsFailureIndex } from '../../metrics/catalog.ts';
import { mostHelloBytes, readFirstBytes } from '../../protocol/tls/client-hello.ts';
import type { Client } from '../client.ts';
import { EarlyConnection, type EarlyEnvironment } from '../early-connection.ts';
import { secureSide } from '../listener-table.ts';
import { takeBack } from '../transport/early-socket.ts';
import type { Accepted } from '../transport/tcp-handle.ts';
import type { HandshakeOwner } from './context-server.ts';
import { tlsFailureOf } from './failures.ts';
import type { TlsTermination } from './termination.ts';

/** What a connection becomes when it is known what it is. */
export interface TlsOutcome {
  /** It is cleartext: `first` was read from it already. */
  cleartext(accepted: Accepted, first: Buffer): void;
  /**
   * What is done with TLS for a server name (null = none was sent). `terminate`: HTTP is spoken in it; `decrypt`: anything
   * else, so no protocol is agreed on; `pass`: its bytes go on untouched.
   */
  decide(serverName: string | null): 'terminate' | 'decrypt' | 'pass' | 'refuse';
  /** It is TLS that is not terminated here: `first` was read from it already. */
  passed(accepted: Accepted, first: Buffer): void;
  /** The handshake is complete; `side` is what the connection carries in place of its listener's name. */
  secured(socket: TLSSocket, side: string): void;
  /** It is over: it has failed, or one of the above comes next. */
  left(client: Client): void;
}

/** What all of them share; `timeoutMs` is from the connection to the end of the handshake. */
export interface TlsEnvironment extends EarlyEnvironment {
  readonly termination: TlsTermination;
}

const counted = { limit: 'tls_handshake_timeout', failures: tlsFailureIndex } as const;

/**
 * A connection to a port with TLS until its handshake is over. Its first bytes tell whether it is TLS at all (Emissary's
 * HTTPS takes both), and for which server name.
 */
export class NewTlsConnection extends EarlyConnection<TlsFailure> implements HandshakeOwner {
  readonly #environment: TlsEnvironment;
  readonly #listener: string;
  readonly #outcome: TlsOutcome;
  #side = '';

  constructor(environment: TlsEnvironment, accepted: Accepted, listener: string, outcome: TlsOutcome) {
    super(environment, accepted, counted, (client) => outcome.left(client));
    this.#environment = environment;
    this.#listener = listener;
    this.#outcome = outcome;
  }

  protected override onFirst(first: Buffer): void {
    const found = readFirstBytes(first);
    if (found.kind === 'cleartext') {
      this.leave();
      this.#outcome.cleartext(takeBack(this.socket), first);
    } else if (found.kind === 'hello') this.#begin(first, found.serverName);
    else if (found.kind === 'malformed' || first.length > mostHelloBytes) this.fail('malformed');
  }

  #begin(first: Buffer, serverName: string | null): void {
    const decision = this.#outcome.decide(serverName);
    if (decision === 'pass') {
      this.leave();
      this.#outcome.passed(takeBack(this.socket), first);
      return;
    }
    const { termination } = this.#environment;
    const context =
      decision === 'refuse' ? null : termination.find(this.#listener, serverName, decision === 'terminate');
    if (context === null) return this.#refuse();
    const socket = this.socket;
    this.#side = secureSide(this.#listener, context.name);
    this.stopListening();
    this.first = null;
    socket.unshift(first);
    // Whoever ends in the middle of a handshake has left; afterwards it is for the protocol to say.
    socket.allowHalfOpen = false;
    context.server.begin(socket, this);
  }

  /** Says why: without an alert people look for a network that is broken. */
  #refuse(): void {
    this.socket.write(unrecognisedName);
    this.socket.end();
    this.fail('no_certificate');
  }

  onSecured(socket: TLSSocket): void {
    if (this.over) {
      socket.destroy();
      return;
    }
    socket.allowHalfOpen = true;
    const resumed = socket.isSessionReused();
    this.#environment.counts[resumed ? GatewayCount.TLS_RESUMED : GatewayCount.TLS_FULL]!++;
    this.leave();
    this.#outcome.secured(socket, this.#side);
  }

  onFailed(error: NodeJS.ErrnoException, isUnauthorised: boolean): void {
    this.fail(isUnauthorised ? 'client_certificate' : tlsFailureOf(error));
  }
}

/** A fatal alert, unrecognized_name (RFC 6066 3), in a record of its own. */
const unrecognisedName = Buffer.of(21, 3, 3, 0, 2, 2, 112);
