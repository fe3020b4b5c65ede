import type { RandomInteger } from '../../balancing/draw.ts';
import type { WorkerMetrics } from '../../metrics/worker-metrics.ts';
import type { Limits } from '../limits.ts';
import type { Loop } from '../loop.ts';
import type { ClientSet } from '../new-connection.ts';
import type { TimerWheel } from '../timer-wheel.ts';
import type { UpstreamContexts } from '../tls/upstream-contexts.ts';

/** One line of the access log about a TCP connection that is over. */
export interface TcpAccessEntry {
  /** The client's IP address. */
  readonly client: string;
  readonly port: number;
  readonly route: string;
  readonly service: string;
  readonly version: string;
  /** One of the catalogue's reasons. */
  readonly reason: string;
  /** Why no endpoint could be connected to, in words; else ''. */
  readonly problem: string;
  /** Bytes from the client. */
  readonly received: number;
  /** Bytes to the client. */
  readonly sent: number;
  readonly durationMs: number;
}

/** What all TCP connections of a worker share. */
export interface TcpEnvironment {
  readonly loop: Loop;
  readonly limits: Limits;
  readonly metrics: WorkerMetrics;
  /** `WorkerMetrics.gateway`. */
  readonly counts: Float64Array;
  readonly wheel: TimerWheel;
  readonly upstreamTls: UpstreamContexts;
  readonly random: RandomInteger;
  /** Milliseconds for TCP, TLS included. */
  readonly connectTimeoutMs: number;
  readonly clients: ClientSet;
  /** Asks for the endpoints of a service. */
  readonly resolve: (service: string) => void;
  readonly onAccess: ((entry: TcpAccessEntry) => void) | null;
}
