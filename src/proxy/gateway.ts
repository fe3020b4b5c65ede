import type { CallSeries } from '../metrics/call-series.ts';
import { GatewayCount, limitIndex, reasons, unroutedLabels } from '../metrics/catalog.ts';
import type { WorkerMetrics } from '../metrics/worker-metrics.ts';
import type { FixedResponse, SplitMember } from '../model/split.ts';
import { grpcStatus } from '../protocol/grpc/status.ts';
import { Arena } from '../protocol/hpack/arena.ts';
import type { DecoderShared } from '../protocol/hpack/decoder-shared.ts';
import { FieldMarks } from '../protocol/hpack/field-marks.ts';
import { InternedFields } from '../protocol/hpack/interned.ts';
import { ResponseBlocks } from '../protocol/hpack/response-blocks.ts';
import { ValueCache } from '../protocol/hpack/value-cache.ts';
import { RouteMatchResult } from '../routing/index.ts';
import { decideCors } from './cors.ts';
import type { Exchange } from './exchange.ts';
import { HeadForms } from './head-forms.ts';
import { joinEdits } from './header-edits.ts';
import { Http1Shared } from './http1/shared.ts';
import type { Http2Environment } from './http2/frame-writer.ts';
import { life } from './life.ts';
import type { Limits } from './limits.ts';
import { type LocalReply, localReply } from './local-reply.ts';
import type { Loop } from './loop.ts';
import { type AuthorityInfo, PathInfo } from './path-info.ts';
import { Random } from './random.ts';
import type { BackendRuntime, RouteRuntime } from './route-runtime.ts';
import type { RouteStore } from './route-store.ts';
import type { OutgoingHead } from './sides.ts';
import type { Drawn } from './split-runtime.ts';
import { stickyMember } from './sticky-draw.ts';
import { TimerWheel } from './timer-wheel.ts';
import { UpstreamContexts } from './tls/upstream-contexts.ts';

/** One line of the access log. */
export interface AccessEntry {
  /** The client's IP address, after the proxies that are believed. */
  readonly client: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly route: string;
  readonly service: string;
  readonly version: string;
  readonly status: number;
  readonly grpcStatus: number;
  readonly reason: string;
  readonly durationMs: number;
}

const nothing = Buffer.alloc(0);
const chunkBytes = 262_144;
const mostChunks = 128;
/** Calls that are answered by "next route" again and again; more cannot be told from a loop. */
const mostFallThroughs = 32;

/**
 * What all calls of a worker share, and the decisions that are the same for every protocol: route, split,
 * answers of the gateway's own.
 */
export class Gateway {
  readonly loop: Loop;
  readonly limits: Limits;
  readonly metrics: WorkerMetrics;
  readonly store: RouteStore;
  readonly wheel: TimerWheel;
  readonly arena: Arena;
  readonly decoders: DecoderShared<PathInfo, AuthorityInfo>;
  readonly responses = new ResponseBlocks();
  readonly forms = new HeadForms();
  readonly http1: Http1Shared;
  readonly upstreamTls: UpstreamContexts;
  /** What connections need. */
  readonly environment: Http2Environment;
  readonly random = new Random();
  readonly outgoing: OutgoingHead = {
    line: nothing,
    bytes: nothing,
    start: 0,
    end: 0,
    marks: null,
    contentLength: -1,
    upgrade: '',
    fin: false,
  };
  /** Bytes that wait for slow readers, over all connections. */
  readonly queued = { bytes: 0 };
  /** Answers that are being compressed. */
  compressions = 0;
  /** The worker takes no more connections, and finishes its calls. */
  draining = false;
  readonly #onResolve: (service: string) => void;
  readonly #onAccess: ((entry: AccessEntry) => void) | null;
  readonly #unrouted: CallSeries;
  readonly #match = new RouteMatchResult();
  readonly #drawn: Drawn<BackendRuntime> = { backend: null, member: -1, diverted: false };
  /** Ends streams of slow readers: more is queued than the worker may hold. Set by the proxy. */
  shed: () => void = () => {};

  constructor(
    loop: Loop,
    limits: Limits,
    metrics: WorkerMetrics,
    store: RouteStore,
    onResolve: (service: string) => void,
    onAccess: ((entry: AccessEntry) => void) | null,
    onFault: (error: Error) => void,
    onTlsFault: (context: string, error: Error) => void,
  ) {
    this.loop = loop;
    this.limits = limits;
    this.metrics = metrics;
    this.store = store;
    this.environment = { loop, limits, counts: metrics.gateway, onFault };
    this.wheel = new TimerWheel(() => loop.tick());
    this.arena = new Arena(Math.max(chunkBytes, limits.header_list_bytes * 4), mostChunks);
    this.decoders = {
      arena: this.arena,
      interned: new InternedFields(),
      marks: new FieldMarks(),
      paths: new ValueCache(65_536, (wire) => new PathInfo(wire)),
      authorities: new ValueCache(1024, (wire) => wire),
      maxListBytes: limits.header_list_bytes,
      maxFields: limits.header_fields,
      maxWork: limits.hpack_work,
    };
    this.http1 = new Http1Shared(this.arena, limits);
    this.upstreamTls = new UpstreamContexts(() => store.listeners.contexts, onTlsFault);
    this.#onResolve = onResolve;
    this.#onAccess = onAccess;
    const { route, service, version, role } = unroutedLabels;
    this.#unrouted = metrics.calls(route, service, version, role);
  }

  /** A path as the settings of now read it: one that was kept from before is read again. */
  read(path: PathInfo): PathInfo {
    const { http } = this.store.listeners;
    if (path.http !== http) path.follow(http);
    return path;
  }

  /** A random integer in [0, n). */
  readonly randomInteger = (n: number): number => this.random.below(n);

  /** Finds route and backend for the exchange; false when it was answered already. */
  decide(exchange: Exchange): boolean {
    if (exchange.pathInfo.probe !== null) return this.#probe(exchange, exchange.pathInfo.probe);
    let route = this.#routeOf(exchange);
    for (let n = 0; n < mostFallThroughs; n++) {
      if (route === null) return this.#noRoute(exchange);
      exchange.route = route;
      const { blocked, action, cors } = route.route;
      if (cors !== undefined) {
        const decision = decideCors(cors, exchange);
        exchange.answerEdits = joinEdits(this.store.listeners.http.answerEdits, decision?.edits ?? null);
        if (decision?.preflight === true) return this.#answer(exchange, localReply(200, 0, 'none', ''));
      }
      if (blocked !== null) return this.#answer(exchange, fixedReply(blocked));
      if (action.kind === 'respond') return this.#answer(exchange, fixedReply(action.response));
      if (action.kind === 'redirect') {
        return this.#answer(exchange, this.store.redirect(action.redirect, exchange));
      }
      const drawn = this.#drawn;
      const sticky = action.split.sticky;
      const stuck = sticky === null ? null : stickyMember(action.split, sticky, exchange);
      if (stuck === null) route.draw(this.randomInteger, drawn);
      else route.take(stuck, this.randomInteger, drawn);
      if (drawn.backend !== null) return this.#take(exchange, drawn.backend, drawn.diverted);
      const member: SplitMember | undefined = action.split.members[drawn.member];
      if (member !== undefined && member.kind === 'respond')
        return this.#answer(exchange, fixedReply(member.response));
      route = this.store.match(exchange, route, this.#match);
    }
    return this.#noRoute(exchange);
  }

  /** For load balancers that ask the traffic port, as Ambassador answers them; whoever drains is not ready. */
  #probe(exchange: Exchange, probe: 'alive' | 'ready'): false {
    const up = probe === 'alive' || (this.store.revision > 0 && !this.draining);
    const message = up ? `serin is ${probe}` : 'serin is not ready';
    return this.#answer(
      exchange,
      localReply(up ? 200 : 503, up ? 0 : grpcStatus.unavailable, 'none', message),
    );
  }

  #routeOf(exchange: Exchange): RouteRuntime | null {
    const path = exchange.pathInfo;
    const store = this.store;
    if (
      path.generation === store.generation &&
      path.authority === exchange.authority &&
      path.method === exchange.method &&
      path.listener === exchange.listener
    ) {
      return path.route;
    }
    const route = store.match(exchange, null, this.#match);
    if (!this.#match.varies && !store.lastWasInsecure) {
      path.generation = store.generation;
      path.authority = exchange.authority;
      path.method = exchange.method;
      path.listener = exchange.listener;
      path.route = route;
    }
    return route;
  }

  #take(exchange: Exchange, backend: BackendRuntime, diverted: boolean): boolean {
    exchange.backend = backend;
    exchange.diverted = diverted;
    return true;
  }

  #answer(exchange: Exchange, reply: LocalReply): false {
    exchange.fail(reply);
    return false;
  }

  #noRoute(exchange: Exchange): false {
    this.metrics.gateway[GatewayCount.UNROUTED!]!++;
    exchange.route = null;
    const message = this.store.noRouteMessage(exchange);
    return this.#answer(exchange, localReply(404, grpcStatus.unimplemented, 'no_route', message));
  }

  /** The series for a call that reached no endpoint. */
  seriesOf(exchange: Exchange): CallSeries {
    const { backend, route, endpoint } = exchange;
    if (backend !== null) return backend.series(endpoint?.endpoint.version ?? backend.service.version);
    return route === null ? this.#unrouted : this.metrics.calls(route.route.name, '', '', '');
  }

  /** The call waits until the endpoints of its service are known. */
  waitForName(exchange: Exchange): void {
    const service = exchange.backend!.service;
    service.waiting = this.stillWaiting(service.waiting);
    if (!this.mayHold(exchange, service.waiting)) return;
    exchange.hold();
    service.waiting.push(exchange);
    if (service.asked) return;
    service.asked = true;
    this.#onResolve(service.name);
  }

  /** The list without the calls that are over; looked at only when the list is at its limit. */
  stillWaiting(waiting: Exchange[]): Exchange[] {
    if (waiting.length < this.limits.held_calls) return waiting;
    return waiting.filter((exchange) => exchange.state <= life.held);
  }

  /** True when the n-th request of a client's connection is the last one that it may bring; that is counted. */
  isLastRequest(n: number): boolean {
    if (n !== this.limits.requests_per_connection) return false;
    this.metrics.gateway[limitIndex.requests_per_connection!]!++;
    return true;
  }

  /**
   * False (and the call is answered) when too many calls wait for the same. The limit is for each service and
   * endpoint, so that one that is dead takes nothing from the others.
   */
  mayHold(exchange: Exchange, waiting: readonly Exchange[]): boolean {
    if (waiting.length < this.limits.held_calls) return true;
    this.metrics.gateway[limitIndex.held_calls!]!++;
    const message = `too many calls wait for the service ${exchange.backend!.service.name}`;
    exchange.fail(localReply(503, grpcStatus.unavailable, 'limit', message));
    return false;
  }

  noEndpoint(backend: BackendRuntime): LocalReply {
    const { service } = backend;
    const why = service.problem === null ? '' : `: ${service.problem}`;
    return localReply(
      503,
      grpcStatus.unavailable,
      'no_endpoint',
      `the service ${service.name} has no ready endpoint${why}`,
    );
  }

  allFailed(exchange: Exchange): LocalReply {
    const service = exchange.backend!.service.name;
    if (exchange.problem === 'refused') {
      return localReply(503, grpcStatus.unavailable, 'refused', `the service ${service} refused the call`);
    }
    const message = `no connection to the service ${service}: ${exchange.problem}`;
    return localReply(503, grpcStatus.unavailable, 'connect_failed', message);
  }

  logAccess(exchange: Exchange, status: number, grpc: number, reason: number, durationMs: number): void {
    if (this.#onAccess === null) return;
    this.#onAccess({
      client: exchange.client,
      method: exchange.method,
      host: exchange.authority.text,
      path: exchange.pathInfo.text,
      route: exchange.route?.route.name ?? '',
      service: exchange.backend?.backend.service ?? '',
      version: exchange.endpoint?.endpoint.version ?? '',
      status,
      grpcStatus: grpc,
      reason: reasons[reason]!,
      durationMs: Math.round(durationMs * 1000) / 1000,
    });
  }
}

function fixedReply(response: FixedResponse): LocalReply {
  const known = (reasons as readonly string[]).includes(response.reason);
  const reason = known ? (response.reason as (typeof reasons)[number]) : 'internal';
  return localReply(response.status, response.grpcStatus, reason, response.message);
}
