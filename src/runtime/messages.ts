import { deserialize, serialize } from 'node:v8';
import type { RetiredMetrics } from '../metrics/merged-metrics.ts';
import type { WorkerReport } from '../metrics/worker-metrics.ts';
import type { EndpointsPatch, Listener } from '../model/snapshot.ts';
import type { RunOptions } from './options.ts';
import type { SnapshotPart } from './snapshot-parts.ts';

/**
 * Everything that processes say to one another. Control and workers talk through the parent, which passes their messages on as
 * bytes ({@link encode}) without reading them.
 */

/** Control process to worker. */
export type ToWorker =
  /** A control process has begun: answer `started`, and report all metrics. */
  | { readonly type: 'hello' }
  /** Part of a snapshot or patch; the worker applies it when it has the last part. */
  | ({ readonly type: 'snapshot' } & SnapshotPart)
  | { readonly type: 'endpoints'; readonly patch: EndpointsPatch }
  /** End the calls that run on the canary of a service (`name.namespace`; port null = all of its ports). */
  | {
      readonly type: 'end-calls';
      readonly service: string;
      readonly port: number | null;
      /** Null = all of them. */
      readonly version: string | null;
    };

/** Worker to control process. */
export type FromWorker =
  | { readonly type: 'started' }
  /** This revision is served. */
  | { readonly type: 'applied'; readonly revision: number }
  /** A patch did not fit: send the whole snapshot. */
  | { readonly type: 'gap' }
  | { readonly type: 'resolve'; readonly service: string }
  /** `all`: everything that it has counted, not only what changed. */
  | { readonly type: 'metrics'; readonly all: boolean; readonly report: WorkerReport };

/** Parent to control process. */
export type ToControl =
  | {
      readonly type: 'begin';
      readonly options: RunOptions;
      /** What an earlier control process wanted kept; null at the first start. */
      readonly kept: RetiredMetrics | null;
      /** Standard input, which can be read only once; null when no control process has read it. */
      readonly input: string | null;
      /** True when workers may have been counting before this control process began. */
      readonly restarted: boolean;
      /** Milliseconds since 1970 at which the gateway started. */
      readonly startedAtMs: number;
    }
  | { readonly type: 'worker-began'; readonly worker: number }
  | { readonly type: 'worker-ended'; readonly worker: number; readonly expected: boolean }
  | { readonly type: 'from-worker'; readonly worker: number; readonly payload: Uint8Array }
  /** The ports of the last `listen` are open, or were told of as failed. */
  | { readonly type: 'listening' }
  | {
      readonly type: 'listen-failed';
      readonly listener: Listener;
      /** Node's code, `EADDRINUSE`. */
      readonly code: string;
      readonly message: string;
    }
  /** Not ready from now on; ask nothing more of the workers. */
  | { readonly type: 'draining' };

/** Control process to parent. */
export type FromControl =
  /** It listens: say `begin`. (What is sent to an ES module before it has loaded is lost.) */
  | { readonly type: 'loaded' }
  /** Pass on to these workers (once here, however many they are), or to all. */
  | { readonly type: 'to-workers'; readonly workers: readonly number[] | null; readonly payload: Uint8Array }
  /** Exactly these ports shall be open. */
  | { readonly type: 'listen'; readonly listeners: readonly Listener[] }
  | { readonly type: 'keep'; readonly retired: RetiredMetrics }
  | { readonly type: 'keep-input'; readonly text: string }
  /** Behind `draining`: what others were told of this gateway is taken back. */
  | { readonly type: 'stopped' }
  /** The gateway cannot start: one line for the user. */
  | { readonly type: 'fatal'; readonly message: string };

/** Parent to worker, apart from what control says. */
export type ParentToWorker =
  | {
      readonly type: 'begin';
      readonly options: RunOptions;
      readonly worker: number;
      /** 48 random bytes, the same for all workers: a TLS session ticket of one resumes on each. */
      readonly ticketKeys: Uint8Array;
    }
  | { readonly type: 'from-control'; readonly payload: Uint8Array }
  /** A connection, which comes with the message, and the name of the listener that accepted it. */
  | { readonly type: 'connection'; readonly listener: string }
  /** Accept from this port by yourself; the listening handle comes with the message. `key`: see `portKey`. */
  | { readonly type: 'accept-from'; readonly key: string }
  /** Close your copy of that handle, and say `port-closed`. */
  | { readonly type: 'close-port'; readonly key: string }
  /** Other keys for session tickets, as in `begin`. */
  | { readonly type: 'ticket-keys'; readonly keys: Uint8Array }
  /** The control process is gone: report everything, for the parent to keep. */
  | { readonly type: 'report-all' }
  /** Stop accepting, finish what runs, and leave. */
  | { readonly type: 'drain' };

/** Worker to parent. */
export type WorkerToParent =
  /** It listens: say `begin`. */
  | { readonly type: 'loaded' }
  /** It serves a complete snapshot: give it connections. */
  | { readonly type: 'serving' }
  /** Its copy of the port's handle is closed. */
  | { readonly type: 'port-closed'; readonly key: string }
  /** `metrics`: whether it is a report, of everything or of what changed; the parent keeps these while there is no control process. */
  | {
      readonly type: 'to-control';
      readonly payload: Uint8Array;
      readonly metrics: 'all' | 'changed' | null;
    };

/** What a port is called between the parent and workers. @param bind address of listeners that name none. */
export function portKey(listener: Listener, bind: string): string {
  return `${listener.address ?? bind} ${listener.port}`;
}

/** Writes a message between control and workers as bytes. */
export function encode(message: ToWorker | FromWorker): Uint8Array {
  return serialize(message);
}

/** Reads what {@link encode} has written for a worker. */
export function decodeForWorker(payload: Uint8Array): ToWorker {
  return deserialize(payload) as ToWorker;
}

/** Reads what {@link encode} has written for the control process. */
export function decodeFromWorker(payload: Uint8Array): FromWorker {
  return deserialize(payload) as FromWorker;
}
