import { GatewayCount, type ProxyHeaderFailure, proxyFailureIndex } from '../metrics/catalog.ts';
import { noProxyHeader, type ProxyEndpoints } from '../protocol/proxy-protocol/header.ts';
import { readProxyHeader } from '../protocol/proxy-protocol/read.ts';
import type { Client } from './client.ts';
import { EarlyConnection, type EarlyEnvironment } from './early-connection.ts';
import { takeBack } from './transport/early-socket.ts';
import type { Accepted } from './transport/tcp-handle.ts';

/** What a connection becomes when its PROXY header has been read. */
export interface ProxiedOutcome {
  /** `rest` was read from it already; `ends` null = its own ends count (LOCAL, UNKNOWN). */
  goesOn(accepted: Accepted, rest: Buffer, ends: ProxyEndpoints | null): void;
  /** It is over: it has failed, or the above comes next. */
  left(client: Client): void;
}

const counted = { limit: 'preface_timeout', failures: proxyFailureIndex } as const;

/**
 * A connection to a port that demands PROXY headers, until its header has been read: it comes before TLS and everything else
 * (proxy-protocol.txt 2). Without one, or with one that is broken, the connection is closed; what follows it is not looked at.
 */
export class NewProxiedConnection extends EarlyConnection<ProxyHeaderFailure> {
  readonly #counts: Float64Array;
  readonly #outcome: ProxiedOutcome;

  constructor(environment: EarlyEnvironment, accepted: Accepted, outcome: ProxiedOutcome) {
    super(environment, accepted, counted, (client) => outcome.left(client));
    this.#counts = environment.counts;
    this.#outcome = outcome;
  }

  protected override onFirst(bytes: Buffer): void {
    const header = readProxyHeader(bytes, 0, bytes.length);
    if (header.state === 'incomplete') return;
    if (header.state === 'refused') {
      return this.fail(header.problem === noProxyHeader ? 'missing' : 'malformed');
    }
    const { version, end, endpoints } = header;
    this.#counts[version === 1 ? GatewayCount.PROXY_V1 : GatewayCount.PROXY_V2]!++;
    this.leave();
    this.#outcome.goesOn(takeBack(this.socket), bytes.subarray(end), endpoints);
  }
}
