import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { GatewayCount, limitIndex, type TlsFailure, tlsFailureIndex } from '../../metrics/catalog.ts';
import { mostHelloBytes, readFirstBytes } from '../../protocol/tls/client-hello.ts';
import type { Client } from '../client.ts';
import { secureSide } from '../listener-table.ts';
import type { Loop } from '../loop.ts';
import { dropEarly, earlySocket, takeBack } from '../transport/early-socket.ts';
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

/** What all of them share. */
export interface TlsEnvironment {
  readonly loop: Loop;
  /** `WorkerMetrics.gateway`. */
  readonly counts: Float64Array;
  /** Milliseconds from the connection to the end of the handshake. */
  readonly timeoutMs: number;
  readonly termination: TlsTermination;
}

/**
 * A connection to a port with TLS until its handshake is over. Its first bytes tell whether it is TLS at all (Emissary's
 * HTTPS takes both), and for which server name.
 */
export class NewTlsConnection implements Client, HandshakeOwner {
  place = -1;
  readonly #environment: TlsEnvironment;
  readonly #listener: string;
  readonly #outcome: TlsOutcome;
  readonly #socket: Socket;
  readonly #openedAt: number;
  #first: Buffer[] = [];
  #firstBytes = 0;
  #side = '';
  #over = false;

  constructor(environment: TlsEnvironment, accepted: Accepted, listener: string, outcome: TlsOutcome) {
    this.#environment = environment;
    this.#listener = listener;
    this.#outcome = outcome;
    this.#openedAt = environment.loop.tick();
    this.#socket = earlySocket(accepted);
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
    this.#socket.on('end', this.#onClose);
    this.#socket.on('readable', this.#onReadable);
  }

  readonly #onReadable = (): void => {
    const chunk = this.#socket.read() as Buffer | null;
    if (chunk !== null) this.take(chunk);
  };

  /** Takes bytes: those of the socket, or what was read before it. */
  take(chunk: Buffer): void {
    if (this.#over) return;
    this.#environment.loop.tick();
    this.#first.push(chunk);
    this.#firstBytes += chunk.length;
    const first = this.#first.length === 1 ? chunk : Buffer.concat(this.#first);
    this.#first = [first];
    const found = readFirstBytes(first);
    if (found.kind === 'cleartext') {
      this.#leave();
      this.#outcome.cleartext(takeBack(this.#socket), first);
    } else if (found.kind === 'hello') this.#begin(first, found.serverName);
    else if (found.kind === 'malformed' || first.length > mostHelloBytes) this.#fail('malformed');
  }

  readonly #onError = (): void => {};

  readonly #onClose = (): void => {
    // Who only looks whether the port is open has not failed at anything.
    if (this.#firstBytes === 0) this.destroy();
    else this.#fail('closed');
  };

  #begin(first: Buffer, serverName: string | null): void {
    const decision = this.#outcome.decide(serverName);
    if (decision === 'pass') {
      this.#leave();
      this.#outcome.passed(takeBack(this.#socket), first);
      return;
    }
    const { termination } = this.#environment;
    const context =
      decision === 'refuse' ? null : termination.find(this.#listener, serverName, decision === 'terminate');
    if (context === null) return this.#refuse();
    const socket = this.#socket;
    this.#side = secureSide(this.#listener, context.name);
    this.#stopListening();
    this.#first = [];
    socket.unshift(first);
    // Whoever ends in the middle of a handshake has left; afterwards it is for the protocol to say.
    socket.allowHalfOpen = false;
    context.server.begin(socket, this);
  }

  /** Says why: without an alert people look for a network that is broken. */
  #refuse(): void {
    this.#socket.write(unrecognisedName);
    this.#socket.end();
    this.#fail('no_certificate');
  }

  onSecured(socket: TLSSocket): void {
    if (this.#over) {
      socket.destroy();
      return;
    }
    socket.allowHalfOpen = true;
    const resumed = socket.isSessionReused();
    this.#environment.counts[resumed ? GatewayCount.TLS_RESUMED : GatewayCount.TLS_FULL]!++;
    this.#leave();
    this.#outcome.secured(socket, this.#side);
  }

  onFailed(error: NodeJS.ErrnoException, isUnauthorised: boolean): void {
    this.#fail(isUnauthorised ? 'client_certificate' : tlsFailureOf(error));
  }

  #fail(reason: TlsFailure): void {
    if (this.#over) return;
    this.#environment.counts[tlsFailureIndex[reason]!]!++;
    this.destroy();
  }

  #stopListening(): void {
    const socket = this.#socket;
    socket.off('readable', this.#onReadable);
    socket.off('end', this.#onClose);
    socket.off('close', this.#onClose);
  }

  #leave(): void {
    this.#over = true;
    this.#stopListening();
    this.#outcome.left(this);
  }

  sweep(now: number): void {
    if (now - this.#openedAt <= this.#environment.timeoutMs) return;
    this.#environment.counts[limitIndex.tls_handshake_timeout!]!++;
    this.#fail('timeout');
  }

  /** No call is under way, and the client will find another gateway. */
  drain(): void {
    this.destroy();
  }

  shed(): void {}

  destroy(): void {
    if (this.#over) return;
    this.#leave();
    dropEarly(this.#socket);
  }
}

/** A fatal alert, unrecognized_name (RFC 6066 3), in a record of its own. */
const unrecognisedName = Buffer.of(21, 3, 3, 0, 2, 2, 112);
