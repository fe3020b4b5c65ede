import type { CanaryOverlay } from '../../resources/serin/canary.ts';
import { type GroupMember, memberName } from '../group.ts';
import { canonicalKey, splitKey } from '../service-name.ts';
import type { CanaryState } from './canary-state.ts';
import type { CanaryTable, SplitKind } from './canary-table.ts';

/** A weight that commands can set: a Canary's, or that of a Mapping which has one. */
export interface SplitState {
  readonly kind: SplitKind;
  /** `name.namespace`. */
  readonly name: string;
  /** The release that an overlay counts for. */
  readonly revision: string;
  /** Percent that counts now, and percent that is written. */
  readonly weight: number;
  readonly specWeight: number;
  readonly overlay: CanaryOverlay | null;
  /** The calls of its canary: to this Service (`name.namespace`; port null = any) and version (null = all of it). Null = not known. */
  readonly calls: {
    readonly service: string;
    readonly port: number | null;
    readonly version: string | null;
  } | null;
}

/** All weights that commands can set, by name. */
export function splitStates(
  canaries: readonly CanaryState[],
  members: Iterable<GroupMember>,
  table: CanaryTable,
): SplitState[] {
  // There can be ten thousand of them.
  const all = [...members].map((member) => [memberName(member), member] as const);
  const byName = new Map(all);
  const callsOf = (member: GroupMember | undefined): SplitState['calls'] => {
    if (member === undefined) return null;
    const { host, port } = splitKey(canonicalKey(member.mapping.serviceKey));
    return { service: host, port, version: null };
  };
  const splits: SplitState[] = canaries.map((canary) => {
    const { name, namespace, revision, weight, specWeight, overlay, versions, targetName, port } = canary;
    const calls =
      versions === null
        ? callsOf(byName.get(targetName))
        : { service: targetName, port, version: versions.canary.version };
    return { kind: 'Canary', name: `${name}.${namespace}`, revision, weight, specWeight, overlay, calls };
  });
  for (const [name, member] of all) {
    const { kind, weight: written, serviceKey: revision } = member.mapping;
    // Production has no weight; one that a Canary has taken over is the Canary's.
    if (written === null || table.hasMapping(name)) continue;
    const overlay = table.overlayOfMapping(name, revision);
    const calls = callsOf(member);
    splits.push({
      kind,
      name,
      revision,
      weight: overlay?.weight ?? written,
      specWeight: written,
      overlay,
      calls,
    });
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
    return split.name === name || split.name.slice(0, split.name.lastIndexOf('.')) === name;
  });
  // A Canary is what a name means first.
  const canaries = meant.filter((split) => split.kind === 'Canary');
  return kind === null && canaries.length > 0 ? canaries : meant;
}
