import type { CallSeries } from '../../metrics/call-series.ts';
import type { WorkerMetrics } from '../../metrics/worker-metrics.ts';
import { endpointsKey } from '../../model/endpoints.ts';
import type { Role } from '../../model/split.ts';
import type { TcpBackend, TcpRoute } from '../../model/tcp-route.ts';
import { HostnameTable } from '../hostname-table.ts';
import type { ServiceRuntime, Services } from '../service-runtime.ts';
import { type DrawTable, SplitRuntime } from '../split-runtime.ts';

/** A backend with what is found at run time: its service's endpoints, its series. */
export class TcpBackendRuntime {
  readonly backend: TcpBackend;
  readonly role: Role;
  readonly service: ServiceRuntime;
  readonly #route: string;
  readonly #metrics: WorkerMetrics;

  constructor(
    route: string,
    backend: TcpBackend,
    role: Role,
    service: ServiceRuntime,
    metrics: WorkerMetrics,
  ) {
    this.#route = route;
    this.backend = backend;
    this.role = role;
    this.service = service;
    this.#metrics = metrics;
  }

  /** Where connections to this version of it are counted. */
  series(version: string): CallSeries {
    return this.#metrics.connections(this.#route, this.backend.service, version, this.role);
  }
}

/** A route with its draw and backends. */
export class TcpRouteRuntime extends SplitRuntime<TcpBackend, TcpBackendRuntime> {
  readonly route: TcpRoute;

  constructor(route: TcpRoute, draws: DrawTable, services: Services, metrics: WorkerMetrics) {
    super(route.split, draws, ({ backend, role }) => {
      return new TcpBackendRuntime(route.name, backend, role, services.get(endpointsKey(backend)), metrics);
    });
    this.route = route;
  }
}

/** The TCP routes of one listener. */
export interface TcpPort {
  /** Those with a server name; null = none has one, so that no ClientHello need be read. */
  readonly names: HostnameTable<TcpRouteRuntime> | null;
  /** What takes every other connection; null = nothing. */
  readonly whole: TcpRouteRuntime | null;
}

/** The TCP routes of the snapshot by their listeners. */
export class TcpRoutes {
  readonly #draws: DrawTable;
  readonly #services: Services;
  readonly #metrics: WorkerMetrics;
  #ports: ReadonlyMap<string, TcpPort> = new Map();
  #keys: ReadonlySet<string> = new Set();

  constructor(draws: DrawTable, services: Services, metrics: WorkerMetrics) {
    this.#draws = draws;
    this.#services = services;
    this.#metrics = metrics;
  }

  /** Takes over all routes of a snapshot. Connections that run keep what they began with. */
  apply(routes: readonly TcpRoute[]): void {
    const keys = new Set(routes.map(({ split }) => split.key));
    for (const key of this.#keys) if (!keys.has(key)) this.#draws.delete(key);
    this.#keys = keys;
    const ports = new Map<
      string,
      { names: HostnameTable<TcpRouteRuntime> | null; whole: TcpRouteRuntime | null }
    >();
    for (const route of routes) {
      const port = ports.get(route.listener) ?? { names: null, whole: null };
      ports.set(route.listener, port);
      const runtime = new TcpRouteRuntime(route, this.#draws, this.#services, this.#metrics);
      if (route.host === null) port.whole = runtime;
      else {
        port.names ??= new HostnameTable();
        port.names.add(route.host, runtime);
      }
    }
    this.#ports = ports;
  }

  /** The routes of a listener; null = it has none. */
  port(listener: string): TcpPort | null {
    if (this.#ports.size === 0) return null;
    return this.#ports.get(listener) ?? null;
  }
}
