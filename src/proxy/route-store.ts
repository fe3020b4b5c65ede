import type { WorkerMetrics } from '../metrics/worker-metrics.ts';
import type { Redirect, Route } from '../model/route.ts';
import type { SnapshotPatch, VirtualHost } from '../model/snapshot.ts';
import { grpcStatus } from '../protocol/grpc/status.ts';
import { RouteIndex, type RouteMatchResult, redirectLocation } from '../routing/index.ts';
import type { Exchange } from './exchange.ts';
import { isMisdirected, type ListenerSide, ListenerTable } from './listener-table.ts';
import { type LocalReply, localReply } from './local-reply.ts';
import { RouteRuntime } from './route-runtime.ts';
import type { Services } from './service-runtime.ts';
import { DrawTable } from './split-runtime.ts';
import { TcpRoutes } from './tcp/tcp-routes.ts';

/** Routes that are taken into the index in one go: a slice stays under 5 ms. */
const sliceRoutes = 400;

/**
 * The worker's copy of the snapshot: an index of the routes, and for each that was used what it needs at run
 * time. A patch is applied between two reads of a socket, so a call sees one state or the other; a large one
 * is built aside, in slices, and then takes the other's place.
 */
export class RouteStore {
  /** Grows with every change: what was remembered of an older one does not count. */
  generation = 0;
  revision = 0;
  #index = new RouteIndex();
  #routes = new Map<string, Route>();
  #runtimes = new Map<string, RouteRuntime>();
  #virtualHosts: readonly VirtualHost[] = [];
  /** Listeners and TLS contexts of the snapshot. */
  readonly listeners = new ListenerTable();
  /** What becomes of connections that are not HTTP's. */
  readonly tcp: TcpRoutes;
  readonly #draws = new DrawTable();
  readonly #services: Services;
  readonly #metrics: WorkerMetrics;
  #busy: Promise<unknown> = Promise.resolve();
  /** The last match was turned away for what its connection is: such answers are not remembered. */
  lastWasInsecure = false;

  constructor(services: Services, metrics: WorkerMetrics) {
    this.#services = services;
    this.#metrics = metrics;
    this.tcp = new TcpRoutes(this.#draws, services, metrics);
  }

  /** Applies a patch, or (from 0) a whole snapshot; false when something is missing in between. */
  apply(patch: SnapshotPatch): Promise<boolean> {
    const applied = this.#busy.then(() => this.#apply(patch));
    this.#busy = applied.catch(() => undefined);
    return applied;
  }

  async #apply(patch: SnapshotPatch): Promise<boolean> {
    if (patch.from !== 0 && patch.from !== this.revision) return false;
    const changes = patch.setRoutes.length + patch.deleteRoutes.length;
    if (patch.from === 0 || changes > sliceRoutes) await this.#rebuild(patch);
    else {
      for (const id of patch.deleteRoutes) this.#drop(id);
      for (const route of patch.setRoutes) this.#put(route);
      if (patch.virtualHosts !== null) this.#index.setVirtualHosts(patch.virtualHosts);
    }
    if (patch.virtualHosts !== null) this.#virtualHosts = patch.virtualHosts;
    this.listeners.apply(patch);
    if (patch.tcpRoutes !== null) this.tcp.apply(patch.tcpRoutes);
    this.revision = patch.revision;
    this.generation++;
    return true;
  }

  #put(route: Route): void {
    this.#index.set(route);
    this.#routes.set(route.id, route);
    this.#runtimes.delete(route.id);
  }

  #drop(id: string): void {
    const route = this.#routes.get(id);
    if (route?.action.kind === 'split') this.#draws.delete(route.action.split.key);
    this.#index.delete(id);
    this.#routes.delete(id);
    this.#runtimes.delete(id);
  }

  async #rebuild(patch: SnapshotPatch): Promise<void> {
    const routes = patch.from === 0 ? new Map<string, Route>() : new Map(this.#routes);
    for (const id of patch.deleteRoutes) routes.delete(id);
    for (const route of patch.setRoutes) routes.set(route.id, route);
    const index = new RouteIndex();
    index.setVirtualHosts(patch.virtualHosts ?? this.#virtualHosts);
    let n = 0;
    for (const route of routes.values()) {
      index.set(route);
      if (++n % sliceRoutes === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const kept = new Map<string, RouteRuntime>();
    for (const [id, runtime] of this.#runtimes) if (routes.get(id) === runtime.route) kept.set(id, runtime);
    for (const [id, route] of this.#routes) {
      if (!routes.has(id) && route.action.kind === 'split') this.#draws.delete(route.action.split.key);
    }
    this.#index = index;
    this.#routes = routes;
    this.#runtimes = kept;
  }

  /** The first route for the request that ranks behind `after`. `result` tells whether it may be remembered. */
  match(exchange: Exchange, after: RouteRuntime | null, result: RouteMatchResult): RouteRuntime | null {
    const side = this.listeners.side(exchange.listener);
    this.#index.match(exchange, side.virtualHosts, after?.route ?? null, result);
    const { route, virtualHost } = result;
    const redirects = !side.secure && virtualHost !== null && virtualHost.insecureAction !== 'route';
    const misdirected = isMisdirected(side, exchange.host);
    this.lastWasInsecure = redirects || misdirected;
    if (route === null) return null;
    if (redirects) return this.#insecure(exchange, result);
    return misdirected ? this.#misdirected(route, side) : this.#runtime(route);
  }

  #runtime(route: Route): RouteRuntime {
    let runtime = this.#runtimes.get(route.id);
    if (runtime === undefined || runtime.route !== route) {
      runtime = new RouteRuntime(route, this.#draws, this.#services, this.#metrics);
      this.#runtimes.set(route.id, runtime);
    }
    return runtime;
  }

  /** Cleartext on a host whose Host says Redirect or Reject (Ambassador's requestPolicy.insecure.action). */
  #insecure(exchange: Exchange, result: RouteMatchResult): RouteRuntime | null {
    if (result.virtualHost!.insecureAction === 'reject') return null;
    const host = exchange.host.replace(/:\d+$/, '');
    const action = {
      kind: 'redirect',
      redirect: { status: 301, scheme: 'https', host, path: null },
    } as const;
    const route: Route = { ...result.route!, blocked: null, action };
    return new RouteRuntime(route, this.#draws, this.#services, this.#metrics);
  }

  /** The host's client certificates were not asked for on this connection (RFC 9110 15.5.20: try another one). */
  #misdirected(route: Route, { context }: ListenerSide): RouteRuntime {
    const message =
      context === null
        ? 'this host is served over TLS with a client certificate only'
        : 'this host demands a client certificate, and this connection was made for another one';
    const response = { status: 421, grpcStatus: grpcStatus.permissionDenied, message, reason: 'blocked' };
    const misdirected: Route = { ...route, blocked: null, action: { kind: 'respond', response } };
    return new RouteRuntime(misdirected, this.#draws, this.#services, this.#metrics);
  }

  /** The answer of a redirect. */
  redirect(redirect: Redirect, exchange: Exchange): LocalReply {
    const { host, path, query } = exchange;
    const scheme = this.listeners.side(exchange.listener).secure ? 'https' : 'http';
    const location = redirectLocation(redirect, { scheme, host, path, query });
    return localReply(redirect.status, grpcStatus.unavailable, 'none', `moved to ${location}`, location);
  }

  /** What a request without a route is told: its host and path, and whether its port is to blame. */
  noRouteMessage(exchange: Exchange): string {
    const { host } = exchange;
    const base = `no route for host ${printable(host)} and path ${printable(exchange.path)}`;
    const { virtualHosts } = this.listeners.side(exchange.listener);
    if (!this.#index.matchesWithoutPort(exchange, virtualHosts)) return base;
    return `${base} (host ${printable(host.replace(/:\d+$/, ''))} without the port has one)`;
  }
}

/** At most 200 characters, without controls: it goes into a header and a log. */
function printable(text: string): string {
  return text.slice(0, 200).replace(/[^\x20-\x7e]/g, '?');
}
