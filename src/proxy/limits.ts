import type { LimitName } from '../metrics/catalog.ts';

/** One row of the table of limits. */
interface LimitRow {
  readonly value: number;
  readonly unit: string;
  readonly what: string;
}

/**
 * Every limit of the data plane, with its default. Each is set by `--limit name=value` and counted in
 * `serin_limit_hits_total{limit="name"}`. Rates allow bursts of five seconds' worth.
 */
export const limitTable: { readonly [K in LimitName]: LimitRow } = {
  header_list_bytes: {
    value: 65_536,
    unit: 'bytes',
    what: 'sum of name + value + 32 over the fields of one head',
  },
  header_fields: { value: 256, unit: 'fields', what: 'fields of one head' },
  hpack_work: {
    value: 1_048_576,
    unit: 'bytes',
    what: 'decoded size of one header block that is refused anyway',
  },
  continuation_frames: { value: 32, unit: 'frames', what: 'CONTINUATION frames of one header block' },
  concurrent_streams: { value: 1024, unit: 'streams', what: 'open streams of one client connection' },
  resets_per_second: {
    value: 200,
    unit: '1/s',
    what: 'streams that a client resets, or makes the gateway reset',
  },
  empty_frames: { value: 100, unit: '1/s', what: 'frames without content and without an end of stream' },
  ping_flood: { value: 200, unit: '1/s', what: 'PING frames that no other traffic accompanies' },
  settings_flood: { value: 20, unit: '1/s', what: 'SETTINGS frames' },
  window_update_flood: { value: 2000, unit: '1/s', what: 'WINDOW_UPDATE frames that no DATA accompanies' },
  priority_flood: { value: 200, unit: '1/s', what: 'PRIORITY frames and frames of unknown types' },
  idle_timeout: { value: 3_600_000, unit: 'ms', what: 'a client connection without a stream' },
  stalled_connection: {
    value: 60_000,
    unit: 'ms',
    what: 'a connection that takes no byte of what waits for it, or stops inside a head',
  },
  preface_timeout: {
    value: 10_000,
    unit: 'ms',
    what: 'from the connection to the preface and SETTINGS, or to the end of a PROXY header',
  },
  held_calls: {
    value: 10_000,
    unit: 'calls',
    what: 'calls that wait for one service or endpoint, per worker',
  },
  queued_bytes: { value: 536_870_912, unit: 'bytes', what: 'bodies of a worker that wait for slow readers' },
  connections: { value: 50_000, unit: 'connections', what: 'client connections of a worker' },
  target_bytes: { value: 8192, unit: 'bytes', what: 'the target in the first line of an HTTP/1.1 request' },
  head_timeout: { value: 10_000, unit: 'ms', what: 'from the first byte of an HTTP/1.1 head to its end' },
  tls_handshake_timeout: {
    value: 10_000,
    unit: 'ms',
    what: 'from the connection to the end of the TLS handshake, on ports with TLS',
  },
  body_bytes: { value: 0, unit: 'bytes', what: 'the body of one request; 0 = no limit' },
  body_timeout: {
    value: 60_000,
    unit: 'ms',
    what: "between two pieces of a request's body that the upstream waits for, gRPC's aside",
  },
  stream_idle_timeout: {
    value: 300_000,
    unit: 'ms',
    what: "a call in which nothing moves in either direction, gRPC's aside",
  },
  requests_per_connection: {
    value: 0,
    unit: 'requests',
    what: 'requests of one client connection, which ends gracefully behind the last; 0 = no limit',
  },
  connections_per_source: {
    value: 0,
    unit: 'connections',
    what: 'connections of a worker from one client address; 0 = no limit',
  },
  compressions: {
    value: 500,
    unit: 'answers',
    what: 'answers of a worker that are being compressed; further ones go as they are',
  },
};

/** A value for every limit. */
export type Limits = { readonly [K in LimitName]: number };

/** The defaults, with what the user set in their place. */
export function limitsWith(set: Partial<Limits>): Limits {
  const limits: Record<string, number> = {};
  for (const [name, row] of Object.entries(limitTable)) {
    limits[name] = set[name as LimitName] ?? row.value;
  }
  return limits as Limits;
}
