import type { CanaryOverlay } from '../../resources/serin/canary.ts';
import { type GroupMember, memberName } from '../group.ts';
import type { CanaryState } from './canary-state.ts';
import type { CanaryTable } from './canary-table.ts';

/** A weight that commands can set: a Canary's, or that of a Mapping which has one. */
export interface SplitState {
  readonly kind: 'Canary' | 'Mapping' | 'TCPMapping';
  /** `name.namespace`. */
  readonly name: string;
  /** The release that an overlay counts for. */
  readonly revision: string;
  /** Percent that counts now, and percent that is written. */
  readonly weight: number;
  readonly specWeight: number;
  readonly overlay: CanaryOverlay | null;
}

/** All weights that commands can set, by name. */
export function splitStates(
  canaries: readonly CanaryState[],
  members: Iterable<GroupMember>,
  table: CanaryTable,
): SplitState[] {
  const splits: SplitState[] = canaries.map(({ name, namespace, revision, weight, specWeight, overlay }) => {
    return { kind: 'Canary', name: `${name}.${namespace}`, revision, weight, specWeight, overlay };
  });
  for (const member of members) {
    const { kind, weight: written, serviceKey: revision } = member.mapping;
    const name = memberName(member);
    // Production has no weight; one that a Canary has taken over is the Canary's.
    if (written === null || table.hasMapping(name)) continue;
    const overlay = table.overlayOfMapping(name, revision);
    splits.push({ kind, name, revision, weight: overlay?.weight ?? written, specWeight: written, overlay });
  }
  return splits.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The splits that a name can mean: `name`, `name.namespace`, with or without `kind/` in front. */
export function findSplits<S extends Pick<SplitState, 'kind' | 'name'>>(
  splits: readonly S[],
  written: string,
): S[] {
  const slash = written.indexOf('/');
  const kind = slash === -1 ? null : written.slice(0, slash).toLowerCase();
  const name = written.slice(slash + 1);
  const meant = splits.filter((split) => {
    if (kind !== null && split.kind.toLowerCase() !== kind) return false;
    return split.name === name || split.name.slice(0, split.name.indexOf('.')) === name;
  });
  // A Canary is what a name means first.
  const canaries = meant.filter((split) => split.kind === 'Canary');
  return kind === null && canaries.length > 0 ? canaries : meant;
}
