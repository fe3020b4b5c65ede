import type { CallSeries } from '../../metrics/call-series.ts';
import { CallCount, GatewayCount, limitIndex, type ReasonName, reasonIndex } from '../../metrics/catalog.ts';
import type { ProxyEndpoints } from '../../protocol/proxy-protocol/header.ts';
import { writeProxyV1 } from '../../protocol/proxy-protocol/v1.ts';
import { writeProxyV2 } from '../../protocol/proxy-protocol/v2.ts';
import type { Client } from '../client.ts';
import type { EndpointPool, EndpointRuntime, Waiter } from '../service-runtime.ts';
import type { Drawn } from '../split-runtime.ts';
import type { Timed } from '../timer-wheel.ts';
import { endsOf } from '../transport/early-socket.ts';
import { acceptTransport, connectTransport } from '../transport/open.ts';
import type { Accepted } from '../transport/tcp-handle.ts';
import { reasonOf } from '../unreachable.ts';
import type { TcpEnvironment } from './tcp-environment.ts';
import type { TcpBackendRuntime, TcpRouteRuntime } from './tcp-routes.ts';
import { TcpSide } from './tcp-side.ts';

/** A client's connection as it comes to its route. */
export interface TcpArrival {
  readonly accepted: Accepted;
  /** Read from it already. */
  readonly first: Buffer | null;
  /** What a PROXY header said of its ends; null = its own count. */
  readonly ends: ProxyEndpoints | null;
}

/** Endpoints that are tried for a connection, as for a call. */
const mostTried = 3;
/** How long a connection waits for its service's name to be looked up, in ms. */
const holdMs = 10_000;
/** The status under which an end without fault is counted; connections have none, and no label shows it. */
const fine = 200;

/**
 * Where a connection is: `held` for the name of its service, `connecting` to an endpoint, `flowing` in both directions, `done`.
 */
type State = 'held' | 'connecting' | 'flowing' | 'done';

/**
 * A client's TCP connection with that to its upstream: bytes both ways, ends and resets passed on as what they are. The client is
 * not read before the upstream stands, and no side while the other does not take what it has sent: each direction holds one
 * read at most.
 */
export class TcpConnection implements Client, Timed, Waiter {
  place = -1;
  timerNext: Timed | null = null;
  timerPrevious: Timed | null = null;
  timerAt = 0;
  readonly environment: TcpEnvironment;
  /** Where it is counted; set once there is an endpoint, or it is over. */
  series: CallSeries | null = null;
  /** When a byte was last read or taken (ms, the loop's clock). */
  activeAt: number;
  readonly #route: TcpRouteRuntime;
  readonly #backend: TcpBackendRuntime | null;
  readonly #diverted: boolean;
  readonly #ends: ProxyEndpoints | null;
  readonly #startedAt: number;
  readonly #client: TcpSide;
  readonly #tried: EndpointPool[] = [];
  #first: Buffer | null;
  #state: State = 'held';
  #upstream: TcpSide | null = null;
  #endpoint: EndpointRuntime | null = null;
  #giveUpAt = Number.POSITIVE_INFINITY;
  #problem = '';

  /** Draws its backend and begins. Adds itself to the environment's clients. */
  constructor(environment: TcpEnvironment, { accepted, first, ends }: TcpArrival, route: TcpRouteRuntime) {
    const { loop, counts, clients } = environment;
    this.environment = environment;
    this.#route = route;
    this.#first = first;
    this.#startedAt = loop.tick();
    this.activeAt = this.#startedAt;
    route.draw(environment.random, drawn);
    this.#backend = drawn.backend;
    this.#diverted = drawn.diverted;
    this.#ends = ends ?? endsOf(accepted);
    counts[GatewayCount.DOWNSTREAM_OPENED]!++;
    clients.add(this);
    this.#client = new TcpSide(this, true);
    this.#client.transport = acceptTransport(accepted, loop, this.#client);
    this.#client.transport.pause();
    if (drawn.backend !== null) this.#attempt(drawn.backend);
    else {
      const kind = route.route.split.members[drawn.member]?.kind;
      this.#fail(kind === 'respond' ? 'broken_config' : 'no_route');
    }
  }

  /** Bytes go through. */
  get flows(): boolean {
    return this.#state === 'flowing';
  }

  /** Takes bytes of the client that have come before the upstream stands. */
  keepEarly(bytes: Buffer): void {
    if (this.#state === 'done') return;
    this.#first = this.#first === null ? bytes : Buffer.concat([this.#first, bytes]);
  }

  #attempt(runtime: TcpBackendRuntime): void {
    const { service, backend } = runtime;
    const { environment } = this;
    const { now } = environment.loop;
    if (service.endpoints.length === 0 && service.state === 'pending') return this.#hold(runtime);
    const endpoint = this.#tried.length < mostTried ? service.pick(now, this.#tried) : null;
    if (endpoint === null) return this.#fail(this.#tried.length === 0 ? 'no_endpoint' : 'connect_failed');
    const secure = backend.tls === null ? null : environment.upstreamTls.dial(backend.tls);
    if (backend.tls !== null && secure === null) {
      this.#problem = 'the TLSContext for the upstream is missing or broken';
      return this.#fail('broken_config');
    }
    this.#state = 'connecting';
    this.#endpoint = endpoint;
    this.#tried.push(endpoint.pool);
    this.#count(runtime.series(endpoint.endpoint.version));
    const { address, port } = endpoint.endpoint;
    const upstream = new TcpSide(this, false);
    this.#upstream = upstream;
    upstream.other = this.#client;
    this.#client.other = upstream;
    upstream.transport = connectTransport(
      address,
      port,
      secure,
      null,
      environment.loop,
      upstream,
      this.#prelude(backend.proxyProtocol),
    );
    environment.wheel.arm(this, now + environment.connectTimeoutMs);
  }

  #prelude(version: 1 | 2 | null): Buffer | null {
    if (version === null) return null;
    return version === 1 ? writeProxyV1(this.#ends) : writeProxyV2(this.#ends);
  }

  #hold(runtime: TcpBackendRuntime): void {
    const { service } = runtime;
    const { environment } = this;
    const { now } = environment.loop;
    if (service.connections.size >= environment.limits.held_calls) {
      environment.counts[limitIndex.held_calls]!++;
      return this.#fail('limit');
    }
    this.#state = 'held';
    this.#giveUpAt = Math.min(this.#giveUpAt, now + holdMs);
    if (now >= this.#giveUpAt) return this.#fail('no_endpoint');
    service.connections.add(this);
    environment.wheel.arm(this, this.#giveUpAt);
    if (service.asked) return;
    service.asked = true;
    environment.resolve(service.name);
  }

  /** The endpoints of its service are known by now, or the service is gone. */
  resume(): void {
    if (this.#state !== 'held') return;
    this.environment.loop.tick();
    this.environment.wheel.disarm(this);
    this.#attempt(this.#backend!);
  }

  /** It has waited, or has tried to connect, for too long. */
  onTimer(): void {
    if (this.#state === 'held') {
      this.#problem = 'the name was not looked up in time';
      this.#backend!.service.connections.delete(this);
      this.#fail('no_endpoint');
    } else if (this.#state === 'connecting') {
      const upstream = this.#upstream!;
      upstream.closed = true;
      upstream.transport.destroy();
      this.#connectFailed('connect timeout');
    }
  }

  /** The upstream stands: what the client has sent goes there. */
  onSideConnected(side: TcpSide): void {
    if (side !== this.#upstream || this.#state !== 'connecting') return;
    const { loop, wheel, counts } = this.environment;
    wheel.disarm(this);
    this.#endpoint!.pool.rest.end();
    counts[GatewayCount.UPSTREAM_OPENED]!++;
    this.series!.firstByte(Math.round((loop.now - this.#startedAt) * 1000));
    this.series!.dirty = true;
    this.#state = 'flowing';
    this.#problem = '';
    this.activeAt = loop.now;
    const first = this.#first;
    this.#first = null;
    const mayRead = first === null || this.#passFirst(first, side);
    if (this.#client.ended) side.transport.end();
    else if (mayRead) this.#client.transport.resume();
  }

  #passFirst(first: Buffer, upstream: TcpSide): boolean {
    const { counts } = this.environment;
    this.#client.bytes += first.length;
    this.series!.counts[CallCount.BYTES_IN]! += first.length;
    counts[GatewayCount.DOWNSTREAM_BYTES_IN]! += first.length;
    counts[GatewayCount.UPSTREAM_BYTES_OUT]! += first.length;
    return upstream.pass(first, first.length);
  }

  #connectFailed(why: string): void {
    const { loop, wheel, counts } = this.environment;
    wheel.disarm(this);
    counts[GatewayCount.UPSTREAM_FAILED]!++;
    const { pool, endpoint } = this.#endpoint!;
    pool.rest.grow();
    pool.rest.begin(loop.now);
    this.#problem = `${endpoint.address}:${endpoint.port} ${reasonOf(why)}`;
    this.#upstream = null;
    this.#attempt(this.#backend!);
  }

  /** A side's peer has said its last word: the other side is told. */
  onSideEnded(side: TcpSide): void {
    if (this.#state === 'flowing') side.other!.transport.end();
  }

  /** A side is gone. That is an end only where both have ended; else it was cut off, and the other side is, too. */
  onSideClosed(side: TcpSide, reason: string): void {
    if (this.#state === 'done') return;
    if (side === this.#client) return this.#clientClosed(reason);
    if (side !== this.#upstream) return;
    if (this.#state === 'connecting') return this.#connectFailed(reason);
    this.#sideGone(side, reason, 'upstream_reset');
  }

  #clientClosed(reason: string): void {
    if (this.#state === 'flowing') return this.#sideGone(this.#client, reason, 'cancelled');
    this.#upstream?.transport.destroy();
    this.#finish('cancelled');
  }

  #sideGone(side: TcpSide, reason: string, otherwise: ReasonName): void {
    const other = side.other!;
    if (reason === '' && side.ended && other.ended) {
      if (other.closed) this.#finish('none');
      return;
    }
    if (!other.closed) other.transport.reset();
    this.#finish(otherwise);
  }

  #count(series: CallSeries): void {
    const before = this.series;
    this.series = series;
    series.dirty = true;
    if (before === null) {
      series.begin();
      if (this.#diverted) series.counts[CallCount.DIVERTED]!++;
      return;
    }
    if (before !== series) {
      before.withdraw();
      series.begin();
    }
    series.counts[CallCount.RETRIES]!++;
  }

  /** There is no upstream for it. */
  #fail(reason: ReasonName): void {
    this.#client.transport.destroy();
    this.#finish(reason);
  }

  #finish(reason: ReasonName): void {
    if (this.#state === 'done') return;
    const { environment } = this;
    const { loop, counts, wheel, metrics, clients } = environment;
    const { name } = this.#route.route;
    if (this.#state === 'flowing') counts[GatewayCount.UPSTREAM_CLOSED]!++;
    this.#state = 'done';
    wheel.disarm(this);
    this.#backend?.service.connections.delete(this);
    if (this.series === null) {
      const backend = this.#backend;
      this.#count(backend?.series(backend.service.version) ?? metrics.connections(name, '', '', ''));
    }
    const durationMs = loop.now - this.#startedAt;
    this.series!.end(reason === 'none' ? fine : 0, -1, reasonIndex[reason], Math.round(durationMs * 1000));
    counts[GatewayCount.DOWNSTREAM_CLOSED]!++;
    clients.delete(this);
    environment.onAccess?.({
      client: this.#ends?.source ?? '',
      port: this.#route.route.port,
      route: name,
      service: this.#backend?.backend.service ?? '',
      version: this.#endpoint?.endpoint.version ?? '',
      reason,
      problem: reason === 'none' ? '' : this.#problem,
      received: this.#client.bytes,
      sent: this.#upstream?.bytes ?? 0,
      durationMs: Math.round(durationMs * 1000) / 1000,
    });
  }

  sweep(now: number): void {
    const { idleTimeoutMs } = this.#route.route;
    if (this.#state !== 'flowing' || idleTimeoutMs === 0 || now - this.activeAt < idleTimeoutMs) return;
    this.#end('idle');
  }

  /** Bytes go on until the worker's time to drain is over. */
  drain(): void {}

  /** What it holds is a buffer a direction. */
  shed(): void {}

  destroy(): void {
    this.#end('shutdown');
  }

  #end(reason: ReasonName): void {
    if (this.#state === 'done') return;
    this.#client.transport.destroy();
    this.#upstream?.transport.destroy();
    this.#finish(reason);
  }
}

const drawn: Drawn<TcpBackendRuntime> = { backend: null, member: -1, diverted: false };
