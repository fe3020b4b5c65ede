import { type Endpoint, endpointsKey, type ServiceEndpoints } from '../model/endpoints.ts';
import type { Exchange } from './exchange.ts';
import type { Rest } from './rest.ts';

/** Connections to one address; kept apart from snapshots, shared by all services that name the address. */
export interface EndpointPool {
  readonly address: string;
  readonly port: number;
  /** Of TCP connections, which have no pool: calls go elsewhere meanwhile, too. */
  readonly rest: Rest;
  /** True while calls had better go elsewhere: a connect failed a moment ago, or takes long. */
  isResting(now: number): boolean;
  /** Gives the exchange a connection, now or later; the pool calls `exchange.attach` or `exchange.endpointFailed`. */
  connect(exchange: Exchange): void;
}

/** An endpoint of a service with its pool. */
export interface EndpointRuntime {
  readonly endpoint: Endpoint;
  readonly pool: EndpointPool;
}

/** A TCP connection that waits. */
export interface Waiter {
  resume(): void;
}

/** A service as the data plane sees it: its endpoints in round robin, and the calls that wait for them. */
export class ServiceRuntime {
  readonly name: string;
  state: ServiceEndpoints['state'] = 'pending';
  endpoints: EndpointRuntime[] = [];
  version = '';
  everReady = false;
  problem: string | null = null;
  /** Calls that wait for the first endpoints. */
  waiting: Exchange[] = [];
  /** TCP connections that do; a list of their own, so that the one of calls holds one kind of objects. */
  readonly connections = new Set<Waiter>();
  /** Asked for, and not yet answered. */
  asked = false;
  #cursor = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Who waited goes on. */
  resumeAll(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const exchange of waiting) exchange.resume();
    const connections = [...this.connections];
    this.connections.clear();
    for (const connection of connections) connection.resume();
  }

  /** No ready endpoint, as far as is known. */
  get isEmpty(): boolean {
    return this.endpoints.length === 0 && this.state !== 'pending';
  }

  /**
   * The next endpoint in turn that is not resting and was not tried by this call (`tried`); when all rest,
   * one of those. Null when there is none left.
   */
  pick(now: number, tried: readonly EndpointPool[]): EndpointRuntime | null {
    const endpoints = this.endpoints;
    const count = endpoints.length;
    if (count === 1) return tried.includes(endpoints[0]!.pool) ? null : endpoints[0]!;
    let resting = -1;
    for (let n = 0; n < count; n++) {
      const at = (this.#cursor + n) % count;
      const candidate = endpoints[at]!;
      if (tried.length > 0 && tried.includes(candidate.pool)) continue;
      if (candidate.pool.isResting(now)) {
        if (resting < 0) resting = at;
        continue;
      }
      this.#cursor = (at + 1) % count;
      return candidate;
    }
    if (resting < 0) return null;
    this.#cursor = (resting + 1) % count;
    return endpoints[resting]!;
  }
}

/** All services that any route names. */
export class Services {
  readonly #services = new Map<string, ServiceRuntime>();
  /** How many endpoints of services a pool serves. */
  readonly #uses = new Map<EndpointPool, number>();
  /** Pools that serve none any more, since {@link takeReleased}. */
  readonly #released = new Set<EndpointPool>();
  readonly #poolOf: (endpoint: Endpoint) => EndpointPool;

  constructor(poolOf: (endpoint: Endpoint) => EndpointPool) {
    this.#poolOf = poolOf;
  }

  /** Finds or makes it. */
  get(name: string): ServiceRuntime {
    let service = this.#services.get(name);
    if (service === undefined) {
      service = new ServiceRuntime(name);
      this.#services.set(name, service);
    }
    return service;
  }

  /** Takes over what the control process says; calls that waited go on. */
  set(known: ServiceEndpoints): void {
    const service = this.get(endpointsKey(known));
    service.state = known.state;
    service.version = known.version;
    service.everReady = known.everReady || service.everReady;
    service.problem = known.problem;
    this.#replace(
      service,
      known.endpoints.map((endpoint) => ({ endpoint, pool: this.#poolOf(endpoint) })),
    );
    if (known.state === 'pending') return;
    service.asked = false;
    service.resumeAll();
  }

  /** Forgets the endpoints of a service that no route names any more; one that comes back is asked for again. */
  delete(name: string): void {
    const service = this.#services.get(name);
    if (service === undefined) return;
    this.#replace(service, []);
    service.state = 'pending';
    service.asked = false;
    service.everReady = false;
    service.resumeAll();
  }

  /** Whether an endpoint of some service names it. */
  isUsed(pool: EndpointPool): boolean {
    return this.#uses.has(pool);
  }

  /** Pools that no endpoint names any more, each once after its last one has gone. */
  takeReleased(): EndpointPool[] {
    const released = [...this.#released].filter((pool) => !this.#uses.has(pool));
    this.#released.clear();
    return released;
  }

  /** Counted, so that a change of one service looks at no other's endpoints. */
  #replace(service: ServiceRuntime, endpoints: EndpointRuntime[]): void {
    for (const { pool } of endpoints) this.#uses.set(pool, (this.#uses.get(pool) ?? 0) + 1);
    for (const { pool } of service.endpoints) {
      const left = this.#uses.get(pool)! - 1;
      if (left > 0) this.#uses.set(pool, left);
      else {
        this.#uses.delete(pool);
        this.#released.add(pool);
      }
    }
    service.endpoints = endpoints;
  }
}
