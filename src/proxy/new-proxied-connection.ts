import type { Socket } from 'node:net';
import { GatewayCount, limitIndex, type ProxyHeaderFailure, proxyFailureIndex } from '../metrics/catalog.ts';
import { noProxyHeader, type ProxyEndpoints } from '../protocol/proxy-protocol/header.ts';
import { readProxyHeader } from '../protocol/proxy-protocol/read.ts';
import type { Client } from './client.ts';
import type { Loop } from './loop.ts';
import { dropEarly, earlySocket, takeBack } from './transport/early-socket.ts';
import type { Accepted } from './transport/tcp-handle.ts';

/** What a connection becomes when its PROXY header has been read. */
export interface ProxiedOutcome {
  /** `rest` was read from it already; `ends` null = its own ends count (LOCAL, UNKNOWN). */
  goesOn(accepted: Accepted, rest: Buffer, ends: ProxyEndpoints | null): void;
  /** It is over: it has failed, or the above comes next. */
  left(client: Client): void;
}

/** What all of them share. */
export interface ProxiedEnvironment {
  readonly loop: Loop;
  /** `WorkerMetrics.gateway`. */
  readonly counts: Float64Array;
  /** Milliseconds from the connection to the end of the header. */
  readonly timeoutMs: number;
}

/**
 * A connection to a port that demands PROXY headers, until its header has been read: it comes before TLS and everything else
 * (proxy-protocol.txt 2). Without one, or with one that is broken, the connection is closed; what follows it is not looked at.
 */
export class NewProxiedConnection implements Client {
  place = -1;
  readonly #environment: ProxiedEnvironment;
  readonly #outcome: ProxiedOutcome;
  readonly #socket: Socket;
  readonly #openedAt: number;
  #first: Buffer | null = null;
  #over = false;

  constructor(environment: ProxiedEnvironment, accepted: Accepted, outcome: ProxiedOutcome) {
    this.#environment = environment;
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
    if (chunk === null || this.#over) return;
    this.#environment.loop.tick();
    const bytes = this.#first === null ? chunk : Buffer.concat([this.#first, chunk]);
    this.#first = bytes;
    const header = readProxyHeader(bytes, 0, bytes.length);
    if (header.state === 'incomplete') return;
    if (header.state === 'refused') {
      return this.#fail(header.problem === noProxyHeader ? 'missing' : 'malformed');
    }
    const { version, end, endpoints } = header;
    this.#environment.counts[version === 1 ? GatewayCount.PROXY_V1 : GatewayCount.PROXY_V2]!++;
    this.#leave();
    this.#outcome.goesOn(takeBack(this.#socket), bytes.subarray(end), endpoints);
  };

  readonly #onError = (): void => {};

  readonly #onClose = (): void => {
    // Who only looks whether the port is open (a load balancer's health check) has not failed at anything.
    if (this.#first === null) this.destroy();
    else this.#fail('closed');
  };

  #fail(reason: ProxyHeaderFailure): void {
    if (this.#over) return;
    this.#environment.counts[proxyFailureIndex[reason]!]!++;
    this.destroy();
  }

  #leave(): void {
    this.#over = true;
    const socket = this.#socket;
    socket.off('readable', this.#onReadable);
    socket.off('end', this.#onClose);
    socket.off('close', this.#onClose);
    this.#outcome.left(this);
  }

  sweep(now: number): void {
    if (now - this.#openedAt <= this.#environment.timeoutMs) return;
    this.#environment.counts[limitIndex.preface_timeout!]!++;
    this.#fail('timeout');
  }

  /** Nothing is under way, and the client will find another gateway. */
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
