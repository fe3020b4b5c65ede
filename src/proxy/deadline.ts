import type { BackendRuntime } from './route-runtime.ts';

/** What Ambassador gives a call without timeout_ms that is none of gRPC's, in ms. */
const defaultMs = 3000;

/**
 * Milliseconds for a call; 0 = no limit. `timeout_ms` of the Mapping counts for every call; a gRPC call also has its own
 * `grpc-timeout`, and no limit where neither is set. For gRPC it is the time from the head to the end, whatever streams;
 * for others from the end of the request to the end of the answer, as Envoy's route timeout is.
 */
export function deadlineOf(
  call: { readonly grpc: boolean; readonly timeoutMs: number },
  { backend }: BackendRuntime,
): number {
  const limit = backend.timeoutMs ?? (call.grpc ? 0 : defaultMs);
  if (!call.grpc || call.timeoutMs < 0) return limit;
  return Math.max(1, limit === 0 ? call.timeoutMs : Math.min(limit, call.timeoutMs));
}
