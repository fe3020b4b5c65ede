import { spawn } from 'node:child_process';
import { built } from './environment.ts';

/** What one version answered; times are of calls' beginnings, in milliseconds since 1970. */
export interface VersionSeen {
  readonly calls: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Calls by the pod that answered. */
  readonly pods: Readonly<Record<string, number>>;
}

/** What a load has seen from its beginning to its end. */
export interface LoadResult {
  readonly calls: number;
  /** Failed calls by reason. */
  readonly failures: Readonly<Record<string, number>>;
  /** The first 20. */
  readonly firstFailures: readonly { at: number; tookMs: number; reason: string }[] | null;
  readonly versions: Readonly<Record<string, VersionSeen>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Calls that began within one slice of time. A long call counts in a line of its own that has the same time. */
export interface LoadSlice {
  readonly at: number;
  readonly versions: Readonly<Record<string, number>>;
  readonly failures: number;
}

/** What to call, and how. */
export interface LoadRequest {
  /** `10.244.1.7:8080` */
  readonly target: string;
  /** Calls a second, evenly. */
  readonly rate: number;
  /** How long; without it until `stop()`. */
  readonly seconds?: number;
  readonly connections?: number;
  /** Unary gRPC (the default), a call that streams, or GET over HTTP/1.1. */
  readonly kind?: 'unary' | 'stream' | 'http';
  readonly path?: string;
  readonly host?: string;
  /** Metadata or header fields of each call. The backend knows `sleep`, and of streams `ticks` and `every`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly sliceMs?: number;
}

/** A load that runs: real grpc-go, or Go's HTTP client, as a process beside the tests. No failed call is made again. */
export interface ClusterLoad {
  /** What it has told so far. */
  readonly slices: readonly LoadSlice[];
  /** Resolves when its time is over and all its calls have ended. */
  readonly result: Promise<LoadResult>;
  /** Makes no more calls, waits for those that run, and tells. */
  stop(): Promise<LoadResult>;
}

/** Starts a load. */
export function startLoad(request: LoadRequest): ClusterLoad {
  const { target, rate, seconds = 0, connections = 4, kind = 'unary', path = '/', host = '' } = request;
  const { metadata = {}, timeoutMs = 10_000, sliceMs = 100 } = request;
  const fields = Object.entries(metadata).map(([name, value]) => `${name}=${value}`);
  const child = spawn(
    built.backend,
    [
      'load',
      `-target=${target}`,
      `-rate=${rate}`,
      `-seconds=${seconds}`,
      `-connections=${connections}`,
      `-kind=${kind}`,
      `-path=${path}`,
      `-host=${host}`,
      `-metadata=${fields.join(',')}`,
      `-timeout=${timeoutMs}ms`,
      `-slice=${sliceMs}ms`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const slices: LoadSlice[] = [];
  let total: LoadResult | null = null;
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const said = JSON.parse(line);
      if (said.total !== undefined) total = said.total;
      else slices.push(said);
    }
  });
  const result = new Promise<LoadResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      total === null ? reject(new Error(`load: exit code ${code}`)) : resolve(total),
    );
  });
  return {
    slices,
    result,
    stop: () => {
      child.kill('SIGTERM');
      return result;
    },
  };
}
