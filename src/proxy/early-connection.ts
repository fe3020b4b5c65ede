import type { Socket } from 'node:net';
import { type LimitName, limitIndex } from '../metrics/catalog.ts';
import type { Client } from './client.ts';
import type { Loop } from './loop.ts';
import { dropEarly, earlySocket } from './transport/early-socket.ts';
import type { Accepted } from './transport/tcp-handle.ts';

/** What all early connections of a kind share. */
export interface EarlyEnvironment {
  readonly loop: Loop;
  /** `WorkerMetrics.gateway`. */
  readonly counts: Float64Array;
  /** Milliseconds for which one may last. */
  readonly timeoutMs: number;
}

/** How one that fails is counted: `failures` are indices into the counts by reason. */
export interface EarlyCounts<F extends string> {
  /** The limit that `timeoutMs` stands for. */
  readonly limit: LimitName;
  readonly failures: { readonly [reason in F | 'closed' | 'timeout']: number };
}

/** An accepted connection whose first bytes are read before anybody can go on with it. Calls nobody's: it ends at once when it must. */
export abstract class EarlyConnection<F extends string> implements Client {
  place = -1;
  protected readonly socket: Socket;
  /** Everything that was read so far; null = nothing yet, or it has been passed on. */
  protected first: Buffer | null = null;
  /** It has failed, or somebody goes on with it. */
  protected over = false;
  readonly #environment: EarlyEnvironment;
  readonly #counts: EarlyCounts<F>;
  readonly #left: (client: Client) => void;
  readonly #openedAt: number;

  /** @param left is told when it is over. */
  constructor(
    environment: EarlyEnvironment,
    accepted: Accepted,
    counts: EarlyCounts<F>,
    left: (client: Client) => void,
  ) {
    this.#environment = environment;
    this.#counts = counts;
    this.#left = left;
    this.#openedAt = environment.loop.tick();
    this.socket = earlySocket(accepted);
    this.socket.on('error', () => {});
    this.socket.on('close', this.#onClose);
    this.socket.on('end', this.#onClose);
    this.socket.on('readable', this.#onReadable);
  }

  readonly #onReadable = (): void => {
    const chunk = this.socket.read() as Buffer | null;
    if (chunk !== null) this.take(chunk);
  };

  /** Takes bytes: those of the socket, or what was read before it. */
  take(chunk: Buffer): void {
    if (this.over) return;
    this.#environment.loop.tick();
    this.first = this.first === null ? chunk : Buffer.concat([this.first, chunk]);
    this.onFirst(this.first);
  }

  /** Looks at everything that has come, again with each further piece. */
  protected abstract onFirst(bytes: Buffer): void;

  readonly #onClose = (): void => {
    // Who only looks whether the port is open (a load balancer's health check) has not failed at anything.
    if (this.first === null) this.destroy();
    else this.fail('closed');
  };

  protected fail(reason: F | 'closed' | 'timeout'): void {
    if (this.over) return;
    this.#environment.counts[this.#counts.failures[reason]]!++;
    this.destroy();
  }

  /** The socket's bytes and end are another's to hear of. */
  protected stopListening(): void {
    this.socket.off('readable', this.#onReadable);
    this.socket.off('end', this.#onClose);
    this.socket.off('close', this.#onClose);
  }

  protected leave(): void {
    this.over = true;
    this.stopListening();
    this.#left(this);
  }

  sweep(now: number): void {
    const { counts, timeoutMs } = this.#environment;
    if (now - this.#openedAt <= timeoutMs) return;
    counts[limitIndex[this.#counts.limit]]!++;
    this.fail('timeout');
  }

  /** No call is under way, and the client will find another gateway. */
  drain(): void {
    this.destroy();
  }

  shed(): void {}

  destroy(): void {
    if (this.over) return;
    this.leave();
    dropEarly(this.socket);
  }
}
