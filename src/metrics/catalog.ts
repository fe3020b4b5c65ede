/**
 * The one list of what is measured: names, units, labels and help of every metric, and the indices under which the
 * hot path counts. A new metric is a row here and the call that counts it.
 */

/** Why a call ended as it did; label `reason` (`none` is written empty) and value of `x-serin-reason`. Names are stable. */
export const reasons = [
  'none',
  'no_route',
  'no_endpoint',
  'connect_failed',
  'timeout',
  'cancelled',
  'upstream_reset',
  'upstream_closed',
  'refused',
  'limit',
  'protocol_error',
  'not_implemented',
  'blocked',
  'shutdown',
  'internal',
  'broken_config',
  'worker_died',
  'idle',
  'aborted',
] as const;

/** One of {@link reasons}. */
export type ReasonName = (typeof reasons)[number];

/** Index of each reason, as `CallSeries.end` takes it: `reasonIndex.timeout`. */
export const reasonIndex = indexOf(reasons);

/** The limits of the data plane; label `limit` of `serin_limit_hits_total`. Names are stable. */
export const limitNames = [
  'header_list_bytes',
  'header_fields',
  'hpack_work',
  'continuation_frames',
  'concurrent_streams',
  'resets_per_second',
  'empty_frames',
  'ping_flood',
  'settings_flood',
  'idle_timeout',
  'stalled_connection',
  'preface_timeout',
  'held_calls',
  'queued_bytes',
  'connections',
  'window_update_flood',
  'priority_flood',
  'target_bytes',
  'head_timeout',
  'tls_handshake_timeout',
  'body_bytes',
  'body_timeout',
  'stream_idle_timeout',
  'requests_per_connection',
  'connections_per_source',
  'compressions',
] as const;

/** One of {@link limitNames}. */
export type LimitName = (typeof limitNames)[number];

/** Why a TLS handshake of a client failed; label `reason` of `serin_tls_handshake_failures_total`. Names are stable. */
export const tlsFailures = [
  /** It was not over in time. */
  'timeout',
  /** The client went away in the middle. */
  'closed',
  /** No TLS, or TLS with an error in it. */
  'malformed',
  /** There is no certificate for the server name, or it is broken. */
  'no_certificate',
  /** A client certificate that is required was not shown, or one that was shown is not believed. */
  'client_certificate',
  /** No version of TLS in common. */
  'version',
  /** No cipher, group or signature in common. */
  'algorithm',
  /** No protocol in common (ALPN). */
  'protocol',
  /** The client did not like something, most often the certificate. */
  'alert',
  'other',
] as const;

/** One of {@link tlsFailures}. */
export type TlsFailure = (typeof tlsFailures)[number];

/** Why a connection to a port that demands PROXY headers was closed; label `reason` of `serin_proxy_header_failures_total`. Names are stable. */
export const proxyHeaderFailures = [
  /** It begins with something else. */
  'missing',
  /** A header with an error in it. */
  'malformed',
  /** It was not complete in time. */
  'timeout',
  /** The peer went away in the middle. */
  'closed',
] as const;

/** One of {@link proxyHeaderFailures}. */
export type ProxyHeaderFailure = (typeof proxyHeaderFailures)[number];

/** What is counted beside the outcomes of a call, per series. Bytes and messages are bodies, seen from the client. */
export const callCounters = [
  { key: 'BYTES_IN', metric: 'requestBytes' },
  { key: 'BYTES_OUT', metric: 'responseBytes' },
  { key: 'MESSAGES_IN', metric: 'requestMessages' },
  { key: 'MESSAGES_OUT', metric: 'responseMessages' },
  { key: 'RETRIES', metric: 'retries' },
  { key: 'DIVERTED', metric: 'diverted' },
] as const satisfies readonly { key: string; metric: MetricKey }[];

/** Index into `CallSeries.counts`: `CallCount.BYTES_IN`. */
export const CallCount = indexOf(callCounters.map((row) => row.key));

/** Counters of the gateway as a whole: connections, resets, frames. Limits follow behind these rows. */
const plainGatewayCounters = [
  { key: 'DOWNSTREAM_OPENED', metric: 'connectionsOpened', labels: { side: 'downstream' } },
  { key: 'DOWNSTREAM_CLOSED', metric: 'connectionsClosed', labels: { side: 'downstream' } },
  { key: 'UPSTREAM_OPENED', metric: 'connectionsOpened', labels: { side: 'upstream' } },
  { key: 'UPSTREAM_CLOSED', metric: 'connectionsClosed', labels: { side: 'upstream' } },
  { key: 'UPSTREAM_FAILED', metric: 'connectionsFailed', labels: { side: 'upstream' } },
  { key: 'RESETS_BY_CLIENT', metric: 'resets', labels: { by: 'client' } },
  { key: 'RESETS_BY_GATEWAY', metric: 'resets', labels: { by: 'gateway' } },
  { key: 'RESETS_BY_UPSTREAM', metric: 'resets', labels: { by: 'upstream' } },
  { key: 'GOAWAY_SENT', metric: 'goaways', labels: { direction: 'sent' } },
  { key: 'GOAWAY_RECEIVED', metric: 'goaways', labels: { direction: 'received' } },
  { key: 'PINGS_SENT', metric: 'pings', labels: { direction: 'sent' } },
  { key: 'PINGS_RECEIVED', metric: 'pings', labels: { direction: 'received' } },
  { key: 'PROTOCOL_ERRORS_DOWNSTREAM', metric: 'protocolErrors', labels: { side: 'downstream' } },
  { key: 'PROTOCOL_ERRORS_UPSTREAM', metric: 'protocolErrors', labels: { side: 'upstream' } },
  { key: 'UNROUTED', metric: 'unrouted', labels: {} },
  {
    key: 'DOWNSTREAM_BYTES_IN',
    metric: 'connectionBytes',
    labels: { side: 'downstream', direction: 'received' },
  },
  {
    key: 'DOWNSTREAM_BYTES_OUT',
    metric: 'connectionBytes',
    labels: { side: 'downstream', direction: 'sent' },
  },
  {
    key: 'UPSTREAM_BYTES_IN',
    metric: 'connectionBytes',
    labels: { side: 'upstream', direction: 'received' },
  },
  { key: 'UPSTREAM_BYTES_OUT', metric: 'connectionBytes', labels: { side: 'upstream', direction: 'sent' } },
  { key: 'TLS_FULL', metric: 'tlsHandshakes', labels: { resumed: 'false' } },
  { key: 'TLS_RESUMED', metric: 'tlsHandshakes', labels: { resumed: 'true' } },
  { key: 'COMPRESSED_GZIP', metric: 'compressedAnswers', labels: { coding: 'gzip' } },
  { key: 'COMPRESSED_BR', metric: 'compressedAnswers', labels: { coding: 'br' } },
  { key: 'COMPRESSED_ZSTD', metric: 'compressedAnswers', labels: { coding: 'zstd' } },
  { key: 'COMPRESSION_BYTES_IN', metric: 'compressionBytes', labels: { direction: 'in' } },
  { key: 'COMPRESSION_BYTES_OUT', metric: 'compressionBytes', labels: { direction: 'out' } },
  { key: 'PROXY_V1', metric: 'proxyHeaders', labels: { version: '1' } },
  { key: 'PROXY_V2', metric: 'proxyHeaders', labels: { version: '2' } },
] as const satisfies readonly GatewayCounterRow[];

interface GatewayCounterRow {
  readonly key: string;
  readonly metric: MetricKey;
  readonly labels: Readonly<Record<string, string>>;
}

/** All rows of `WorkerMetrics.gateway`, in the order of its indices. */
export const gatewayCounters: readonly GatewayCounterRow[] = [
  ...plainGatewayCounters,
  ...limitNames.map((limit) => ({ key: limit, metric: 'limitHits' as const, labels: { limit } })),
  ...tlsFailures.map((reason) => ({
    key: `tls_${reason}`,
    metric: 'tlsHandshakeFailures' as const,
    labels: { reason },
  })),
  ...proxyHeaderFailures.map((reason) => ({
    key: `proxy_${reason}`,
    metric: 'proxyHeaderFailures' as const,
    labels: { reason },
  })),
];

/** Index into `WorkerMetrics.gateway`: `GatewayCount.DOWNSTREAM_OPENED`. */
export const GatewayCount = indexOf(plainGatewayCounters.map((row) => row.key));

/** Index into `WorkerMetrics.gateway` of the hits of each limit: `limitIndex.ping_flood`. */
export const limitIndex = indexOf(limitNames, plainGatewayCounters.length);

/** Index into `WorkerMetrics.gateway` of the failures of TLS handshakes: `tlsFailureIndex.timeout`. */
export const tlsFailureIndex = indexOf(tlsFailures, plainGatewayCounters.length + limitNames.length);

/** Index into `WorkerMetrics.gateway` of PROXY headers that were none: `proxyFailureIndex.missing`. */
export const proxyFailureIndex = indexOf(
  proxyHeaderFailures,
  plainGatewayCounters.length + limitNames.length + tlsFailures.length,
);

/** Labels of a call that no route took: never anything of the request itself. */
export const unroutedLabels = { route: 'none', service: '', version: '', role: '' } as const;

/** Labels of what `--max-series` folds together. */
export const foldedLabels = { route: 'other', service: 'other', version: 'other', role: '' } as const;

/** What kind of metric it is, in Prometheus' words. */
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** A row of the catalogue. Names of counters stand without `_total`, which the exposition adds. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
}

function counter(name: string, help: string): MetricDefinition {
  return { name: `serin_${name}`, type: 'counter', help };
}
function gauge(name: string, help: string): MetricDefinition {
  return { name: `serin_${name}`, type: 'gauge', help };
}
function histogram(name: string, help: string): MetricDefinition {
  return { name: `serin_${name}`, type: 'histogram', help };
}

/** Every metric, by the key under which code names it. */
export const metrics = {
  requests: counter('requests', 'Calls that have ended, by route, service, version and outcome.'),
  requestsInFlight: gauge('requests_in_flight', 'Calls that have begun and not yet ended.'),
  requestDuration: histogram('request_duration_seconds', 'Time from the head of a call to its end.'),
  firstByte: histogram(
    'request_first_byte_seconds',
    'Time from the head of a call to the head of its answer.',
  ),
  requestBytes: counter('request_bytes', 'Bytes of request bodies.'),
  responseBytes: counter('response_bytes', 'Bytes of response bodies.'),
  requestMessages: counter('grpc_request_messages', 'gRPC messages from clients.'),
  responseMessages: counter('grpc_response_messages', 'gRPC messages to clients.'),
  retries: counter('retries', 'Further attempts of a call; they are not counted as requests.'),
  diverted: counter('diverted', 'Calls drawn for a canary without a ready endpoint that stable served.'),
  tcpConnections: counter(
    'tcp_connections',
    'TCP connections of TCPMappings that have ended, by route, service, version and reason.',
  ),
  tcpInFlight: gauge(
    'tcp_connections_in_flight',
    'TCP connections of TCPMappings that have begun and not yet ended.',
  ),
  tcpBytes: counter('tcp_bytes', 'Bytes of TCP connections, received from clients and sent to them.'),
  tcpDuration: histogram('tcp_connection_duration_seconds', 'Time from a TCP connection to its end.'),
  tcpConnect: histogram(
    'tcp_connect_seconds',
    'Time from a TCP connection until its upstream was connected, over all endpoints tried.',
  ),
  tcpRetries: counter('tcp_connect_retries', 'Further endpoints tried for a TCP connection.'),
  tcpDiverted: counter(
    'tcp_diverted',
    'TCP connections drawn for a canary without a ready endpoint that stable served.',
  ),
  connectionsOpened: counter('connections_opened', 'Connections opened.'),
  connectionsClosed: counter('connections_closed', 'Connections closed.'),
  connectionsFailed: counter('connections_failed', 'Connections that could not be opened.'),
  connectionsActive: gauge('connections_active', 'Connections that are open.'),
  connectionBytes: counter('connection_bytes', 'Bytes on the wire.'),
  resets: counter('stream_resets', 'Streams ended by RST_STREAM, by who sent it.'),
  goaways: counter('goaways', 'GOAWAY frames.'),
  pings: counter('pings', 'PING frames.'),
  protocolErrors: counter('protocol_errors', 'Violations of the protocol by a peer.'),
  unrouted: counter('unrouted_requests', 'Calls that no route took.'),
  tlsHandshakes: counter('tls_handshakes', 'TLS handshakes with clients that are complete.'),
  tlsHandshakeFailures: counter('tls_handshake_failures', 'TLS handshakes with clients that failed.'),
  compressedAnswers: counter('compressed_answers', 'Answers that the gateway has compressed.'),
  compressionBytes: counter('compression_bytes', 'Bytes of bodies that went into compression, and came out.'),
  proxyHeaders: counter('proxy_headers', 'PROXY protocol headers that were read from clients.'),
  proxyHeaderFailures: counter(
    'proxy_header_failures',
    'Connections closed because their PROXY protocol header was missing, broken or late.',
  ),
  limitHits: counter('limit_hits', 'How often a limit was reached.'),
  splitWeight: gauge('split_weight', 'Effective share of a backend in its route, 0 to 1.'),
  configErrors: gauge('config_errors', 'Errors in the configuration that is served.'),
  configWarnings: gauge('config_warnings', 'Warnings of the configuration that is served.'),
  configRevision: gauge('config_revision', 'Running number of the configuration that is served.'),
  endpoints: gauge('service_endpoints', 'Ready endpoints of a service.'),
  workers: gauge('workers', 'Proxy processes that are alive.'),
  workerDeaths: counter('worker_deaths', 'Proxy processes that ended without having been told to.'),
  seriesFolded: counter('series_folded', 'Series over --max-series that were added to route="other".'),
  buildInfo: gauge('build_info', 'Always 1; the labels say what is running.'),
  startTime: gauge('start_time_seconds', 'When the gateway started, in seconds since 1970.'),
} as const satisfies Record<string, MetricDefinition>;

/** Key of a row in {@link metrics}. */
export type MetricKey = keyof typeof metrics;

function indexOf<const K extends string>(keys: readonly K[], base = 0): { readonly [key in K]: number } {
  const out = {} as { [key in K]: number };
  keys.forEach((key, i) => {
    out[key] = base + i;
  });
  return out;
}
