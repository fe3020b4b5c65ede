import { splitOutcome } from './call-series.ts';
import { type ReasonName, reasons } from './catalog.ts';

/** How a call ended, as labels. */
export interface OutcomeLabels {
  /** HTTP status as text; empty when none was sent, `other` when it is no status. */
  readonly code: string;
  /** gRPC status as text, empty for plain HTTP, `other` when it is not 0 to 16. */
  readonly grpcStatus: string;
  /** Empty when nothing is to be told. */
  readonly reason: string;
}

/** Labels of an outcome. */
export function outcomeLabels(key: number): OutcomeLabels {
  const { code, grpcStatus, reason } = splitOutcome(key);
  return {
    code: code === 0 ? 'other' : String(code),
    grpcStatus: grpcStatus < 0 ? '' : grpcStatus > 16 ? 'other' : String(grpcStatus),
    reason: reason === 0 ? '' : (reasons[reason] ?? 'internal'),
  };
}

/** Statuses of gRPC that blame the server: unknown, deadline, resources, unimplemented, internal, unavailable, data loss. */
const serverStatuses: ReadonlySet<number> = new Set([2, 4, 8, 12, 13, 14, 15, 17]);

/**
 * Whether an outcome counts as an error of the service: a 5xx, a gRPC status that blames the server, or a reason of the
 * gateway's. A client that hangs up (`cancelled`, status 1) or asks for nonsense is not the server's fault (report 26).
 */
export function isFailure(key: number): boolean {
  const { code, grpcStatus, reason } = splitOutcome(key);
  const why: ReasonName = reasons[reason] ?? 'internal';
  // An idle connection was of no use to either side, and is nobody's fault.
  if (why === 'cancelled' || why === 'idle') return false;
  if (why !== 'none') return true;
  return grpcStatus >= 0 ? serverStatuses.has(grpcStatus) : code >= 500 || code === 0;
}

/** Whether the client gave the call up before its answer was whole (report 26): a class of its own, never an error. */
export function isCancelled(key: number): boolean {
  return reasons[splitOutcome(key).reason] === 'cancelled';
}

/** Short name of the kind of an error: its reason, else `grpc_14`, else `http_5xx`. */
export function failureKind(key: number): string {
  const { code, grpcStatus, reason } = splitOutcome(key);
  if (reason !== 0) return reasons[reason] ?? 'internal';
  if (grpcStatus > 0) return grpcStatus > 16 ? 'grpc_other' : `grpc_${grpcStatus}`;
  return code === 0 ? 'http_other' : `http_${Math.floor(code / 100)}xx`;
}
