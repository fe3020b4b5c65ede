import type { CanaryState } from '../compiler/canaries/canary-state.ts';
import type { Raw } from './api-client.ts';
import { asMap } from './kinds.ts';

/**
 * The status that a Canary should have: what is to be merged into the one that it has, or null where that says all of
 * it. The overlay is the commands' own and never touched.
 * @param observedShare percent of the last calls, or null where there were none.
 */
export function statusPatch(
  state: CanaryState,
  observedShare: number | null,
  current: Raw,
  now: Date,
): Raw | null {
  const before = Array.isArray(current.conditions) ? current.conditions.map(asMap) : [];
  const conditions = state.conditions.map((condition) => {
    const old = before.find(({ type }) => type === condition.type);
    const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return {
      ...condition,
      observedGeneration: state.generation,
      lastTransitionTime: since ?? now.toISOString().replace(/\.\d+Z$/, 'Z'),
    };
  });
  // Others' conditions stay: the list is replaced as a whole.
  const foreign = before.filter(({ type }) => !conditions.some((own) => own.type === type));
  const wanted: Record<string, unknown> = {
    observedGeneration: state.generation,
    target: state.target,
    weight: state.weight,
    versions: state.versions,
    others: state.others.length === 0 ? null : state.others,
    conditions: [...conditions, ...foreign],
  };
  const shown = typeof current.observedShare === 'number' ? current.observedShare : null;
  if (observedShare !== null && (shown === null || Math.abs(shown - observedShare) >= 0.1))
    wanted.observedShare = observedShare;
  const changed = Object.entries(wanted).some(
    ([field, value]) => !isSame(value ?? null, current[field] ?? null),
  );
  return changed ? wanted : null;
}

/** Equal whatever the order of their keys: the API server sorts them. */
function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [x, y] = [asMap(a), asMap(b)];
  const keys = new Set([...Object.keys(x), ...Object.keys(y)]);
  return [...keys].every((key) => isSame(x[key] ?? null, y[key] ?? null));
}
