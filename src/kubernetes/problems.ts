import type { ApiError } from './api-client.ts';
import type { WatchedKind } from './kinds.ts';

/** Something about the cluster that a person should know. */
export interface ClusterProblem {
  readonly severity: 'error' | 'warning';
  readonly code: 'kubernetes-forbidden' | 'kubernetes-unreachable' | 'kubernetes-failed';
  readonly message: string;
  /** What to do. */
  readonly help: string;
}

/** What a failed write means, and what to do about it. @param what `Events`. @param rule the rule of RBAC that permits it. */
export function writeProblemOf(what: string, rule: string, error: ApiError): ClusterProblem | null {
  // That it is not reached is told by the watches.
  if (error.status === 0) return null;
  if (error.status === 403) {
    return {
      severity: 'warning',
      code: 'kubernetes-forbidden',
      message: `${error.message}; ${what} are not written`,
      help: `add the rule ${rule} to the role of this account`,
    };
  }
  return {
    severity: 'warning',
    code: 'kubernetes-failed',
    message: `${what} cannot be written: ${error.message}`,
    help: 'it is tried again',
  };
}

/** What a failed list or watch of a kind means, and what to do about it. */
export function problemOf(
  { group, resource, without }: WatchedKind,
  error: ApiError,
  namespace: string | null,
): ClusterProblem {
  if (error.status === 403 || error.status === 401) {
    const rule = `{apiGroups: ["${group}"], resources: [${resource}], verbs: [list, watch]}`;
    const where = namespace === null ? 'a ClusterRole' : `a Role in ${namespace}`;
    const narrower = namespace === null ? ', or follow one namespace with --namespace' : '';
    return {
      severity: 'error',
      code: 'kubernetes-forbidden',
      message: `${error.message}; until then: ${without}`,
      help: `add the rule ${rule} to ${where} of this account${narrower}`,
    };
  }
  if (error.status === 0) {
    return {
      severity: 'warning',
      code: 'kubernetes-unreachable',
      message: error.message,
      help: 'what is served stays as it is until the API server is back',
    };
  }
  return {
    severity: 'error',
    code: 'kubernetes-failed',
    message: `${resource}: ${error.message}`,
    help: 'what is known of them stays in force; it is tried again',
  };
}
