import type { PoolOptions } from './endpoint-pool.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { life } from './life.ts';
import { Rest } from './rest.ts';
import type { SecureDial } from './tls/upstream-contexts.ts';
import { reasonOf } from './unreachable.ts';

/** A connect that takes longer makes calls go elsewhere meanwhile. */
const slowConnectMs = 200;

/** The connections to one address, whatever they speak: calls that wait for one, connects under way, and rest after failures. */
export abstract class ConnectingPool {
  readonly address: string;
  readonly port: number;
  protected readonly gateway: Gateway;
  protected readonly secure: SecureDial | null;
  protected readonly options: PoolOptions;
  /** Calls that wait for a connection. */
  protected waiting: Exchange[] = [];
  /** Connects under way. */
  protected connecting = 0;
  #connectingSince = 0;
  readonly #rest = new Rest();

  /** @param secure how TLS is spoken; null = in cleartext. */
  constructor(
    gateway: Gateway,
    address: string,
    port: number,
    secure: SecureDial | null,
    options: PoolOptions,
  ) {
    this.gateway = gateway;
    this.address = address;
    this.port = port;
    this.secure = secure;
    this.options = options;
  }

  /** Calls that have a connection. */
  abstract calls(): Exchange[];
  /** A connection stands and takes calls. */
  protected abstract hasReady(): boolean;
  /** Opens as many connections as the waiting calls need. */
  protected abstract grow(): void;

  /** True while calls had better go elsewhere: a connect failed a moment ago, or takes long. */
  isResting(now: number): boolean {
    if (this.#rest.lasts(now)) return true;
    return this.connecting > 0 && now - this.#connectingSince > slowConnectMs && !this.hasReady();
  }

  /** No connection has room: the call waits for one, if it may. */
  protected wait(exchange: Exchange): void {
    this.waiting = this.gateway.stillWaiting(this.waiting);
    if (!this.gateway.mayHold(exchange, this.waiting)) return;
    exchange.hold();
    this.waiting.push(exchange);
    this.grow();
  }

  /** A connect begins. */
  protected connectBegins(): void {
    if (this.connecting++ > 0) return;
    this.#connectingSince = this.gateway.loop.now;
    setTimeout(() => this.#moveWaiting(), slowConnectMs).unref();
  }

  /** The connect takes long: calls that wait for it go to another endpoint where a healthy one is. */
  #moveWaiting(): void {
    if (this.connecting === 0 || this.hasReady()) return;
    this.gateway.loop.tick();
    const waiting = this.waiting;
    this.waiting = [];
    for (const exchange of waiting) {
      if (exchange.state <= life.held && !exchange.goElsewhere()) this.waiting.push(exchange);
    }
  }

  /** A connect has come to its end, and well. */
  protected connectSucceeded(): void {
    this.connecting--;
    this.#rest.end();
  }

  /** A connect has failed. Unless another connection stands, the address rests, and who waits is told why. */
  protected connectFailed(why: string): void {
    this.connecting--;
    this.#rest.grow();
    if (this.hasReady()) return;
    this.#rest.begin(this.gateway.loop.now);
    const waiting = this.waiting;
    this.waiting = [];
    const message = `${this.address}:${this.port} ${reasonOf(why)}`;
    for (const exchange of waiting) exchange.endpointFailed(message, why === 'ECONNREFUSED');
  }

  /** The address is no longer an endpoint: who waits for a connection goes elsewhere. */
  protected withdraw(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const exchange of waiting) exchange.endpointWithdrawn();
  }

  /** Forgets calls that are over. */
  protected sweepWaiting(): void {
    this.waiting = this.waiting.filter((exchange) => exchange.state <= life.held);
  }
}
