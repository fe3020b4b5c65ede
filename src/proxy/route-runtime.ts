import { type RandomInteger, SplitDraw } from '../balancing/draw.ts';
import type { CallSeries } from '../metrics/call-series.ts';
import type { WorkerMetrics } from '../metrics/worker-metrics.ts';
import type { Backend } from '../model/backend.ts';
import type { Route } from '../model/route.ts';
import type { Role, Split } from '../model/split.ts';
import type { ServiceRuntime, Services } from './service-runtime.ts';

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

/** What a draw came to: a backend, or the index of a member that is none. */
export interface Drawn {
  backend: BackendRuntime | null;
  member: number;
  /** The canary had no endpoint and its share went to stable. */
  diverted: boolean;
}

/** A route with its draw and backends. A new one is made when the route changes; the draw outlives it. */
export class RouteRuntime {
  readonly route: Route;
  readonly split: Split | null;
  readonly #backends: (BackendRuntime | null)[] = [];
  readonly #draw: SplitDraw | null;
  readonly #stableDraw: SplitDraw | null;
  readonly #stableIndex: number[] = [];

  constructor(route: Route, draws: DrawTable, services: Services, metrics: WorkerMetrics) {
    this.route = route;
    this.split = route.action.kind === 'split' ? route.action.split : null;
    if (this.split === null) {
      this.#draw = null;
      this.#stableDraw = null;
      return;
    }
    const stableShares: number[] = [];
    for (const [i, member] of this.split.members.entries()) {
      this.#backends.push(
        member.kind === 'backend'
          ? new BackendRuntime(
              route.name,
              member.backend,
              member.role,
              services.get(member.backend.service),
              metrics,
            )
          : null,
      );
      if (member.kind === 'backend' && member.role === 'stable' && member.share > 0) {
        this.#stableIndex.push(i);
        stableShares.push(member.share);
      }
    }
    this.#draw = draws.get(
      this.split.key,
      this.split.members.map((member) => member.share),
      this.split.denominator,
    );
    const sum = stableShares.reduce((a, b) => a + b, 0);
    this.#stableDraw = sum === 0 ? null : draws.get(`${this.split.key}\nstable`, stableShares, sum);
  }

  /**
   * Draws the member for the next call. A canary whose service has no ready endpoint passes its share to
   * stable (unless `onEmpty: fail`); stable never passes its share to the canary.
   */
  draw(random: RandomInteger, out: Drawn): void {
    const member = this.#draw!.next(random);
    const backend = member < 0 ? null : this.#backends[member]!;
    out.member = member;
    out.backend = backend;
    out.diverted = false;
    if (backend === null || backend.role !== 'canary' || this.#stableDraw === null) return;
    if (!backend.service.isEmpty || backend.backend.onEmpty === 'fail') return;
    out.member = this.#stableIndex[this.#stableDraw.next(random)]!;
    out.backend = this.#backends[out.member]!;
    out.diverted = backend.service.everReady;
  }
}

/** The draws of all splits, by key; one survives for as long as the shares stay as they are. */
export class DrawTable {
  readonly #draws = new Map<string, { readonly shares: string; readonly draw: SplitDraw }>();

  /** The draw of this key, or a fresh one when the shares are others. */
  get(key: string, shares: readonly number[], denominator: number): SplitDraw {
    const text = `${shares.join(' ')}/${denominator}`;
    const known = this.#draws.get(key);
    if (known !== undefined && known.shares === text) return known.draw;
    const draw = new SplitDraw(shares, denominator);
    this.#draws.set(key, { shares: text, draw });
    return draw;
  }

  /** Forgets the draws of a split that is gone. */
  delete(key: string): void {
    this.#draws.delete(key);
    this.#draws.delete(`${key}\nstable`);
  }
}
