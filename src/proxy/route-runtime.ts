import type { CallSeries } from '../metrics/call-series.ts';
import type { WorkerMetrics } from '../metrics/worker-metrics.ts';
import type { Backend } from '../model/backend.ts';
import { endpointsKey } from '../model/endpoints.ts';
import type { Route } from '../model/route.ts';
import type { Role, Split } from '../model/split.ts';
import type { ServiceRuntime, Services } from './service-runtime.ts';
import { type DrawTable, SplitRuntime } from './split-runtime.ts';

/** A backend with what is found at run time: its service's endpoints, its series. */
export class BackendRuntime {
  readonly backend: Backend;
  readonly role: Role;
  readonly service: ServiceRuntime;
  /** True when a head has to be decoded and written anew for it. */
  readonly editsRequest: boolean;
  readonly editsResponse: boolean;
  readonly #route: string;
  readonly #metrics: WorkerMetrics;
  #lastVersion = '';
  #lastSeries: CallSeries | null = null;

  constructor(route: string, backend: Backend, role: Role, service: ServiceRuntime, metrics: WorkerMetrics) {
    this.#route = route;
    this.backend = backend;
    this.role = role;
    this.service = service;
    this.#metrics = metrics;
    this.editsRequest = backend.requestHeaders.add.length > 0 || backend.requestHeaders.remove.length > 0;
    this.editsResponse = backend.responseHeaders.add.length > 0 || backend.responseHeaders.remove.length > 0;
  }

  /** Where calls to this version of it are counted. */
  series(version: string): CallSeries {
    if (this.#lastSeries !== null && this.#lastVersion === version) return this.#lastSeries;
    this.#lastVersion = version;
    this.#lastSeries = this.#metrics.calls(this.#route, this.backend.service, version, this.role);
    return this.#lastSeries;
  }
}

/** A route with its draw and backends. */
export class RouteRuntime extends SplitRuntime<Backend, BackendRuntime> {
  readonly route: Route;
  readonly split: Split | null;

  constructor(route: Route, draws: DrawTable, services: Services, metrics: WorkerMetrics) {
    const split = route.action.kind === 'split' ? route.action.split : null;
    super(split, draws, ({ backend, role }) => {
      return new BackendRuntime(route.name, backend, role, services.get(endpointsKey(backend)), metrics);
    });
    this.route = route;
    this.split = split;
  }
}
