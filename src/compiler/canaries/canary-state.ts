import { type Finding, finding } from '../../resources/issue.ts';
import type { Canary, CanaryOverlay } from '../../resources/serin/canary.ts';
import { revisionOf } from '../../resources/serin/overlay.ts';
import type { EndpointIndex } from '../endpoint-index.ts';
import { type ActiveCanary, type CanaryTable, canaryName, targetOf } from './canary-table.ts';

/** A condition as Kubernetes writes it into a status. */
export interface Condition {
  readonly type: 'Accepted' | 'Ready';
  readonly status: 'True' | 'False';
  /** One word, CamelCase. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

/** One side of a Canary that divides a Service. */
export interface VersionState {
  readonly version: string;
  /** Pods that get calls. */
  readonly ready: number;
  /** Pods of the version, ready or not. */
  readonly pods: number;
}

/** What has become of a Canary. */
export interface CanaryState {
  readonly name: string;
  readonly namespace: string;
  readonly generation: number;
  /** What is divided, in words: `Service grpc-server.default`. */
  readonly target: string;
  /** `name.namespace` of the Service or the Mapping. */
  readonly targetName: string;
  /** Port of the Service; null = all of them. */
  readonly port: number | null;
  /** The release that an overlay counts for. */
  readonly revision: string;
  /** Percent that counts now, and percent that is written. */
  readonly weight: number;
  readonly specWeight: number;
  readonly overlay: CanaryOverlay | null;
  /** Null where it divides a group of Mappings. */
  readonly versions: { readonly stable: VersionState; readonly canary: VersionState } | null;
  /** Pods of the Service that are of neither version and get no calls. */
  readonly others: readonly string[];
  readonly conditions: readonly Condition[];
}

/** What states are found out from. */
export interface CanarySurroundings {
  readonly index: EndpointIndex;
  /** True if a Mapping (`name.namespace`) is served. */
  readonly hasMapping: (name: string) => boolean;
  /** True if a route leads to a Service (`namespace/name`). */
  readonly isRouted: (place: string) => boolean;
  /** True where the objects of a cluster are followed: then a Service that is not known does not exist. */
  readonly inCluster: boolean;
  /** True for a Canary that may have no effect on what it names: another namespace, with --isolate-namespaces. */
  readonly isShutOut: (canary: Canary) => boolean;
}

/** Pods of neither version that are named; the others are counted by nobody. */
const MOST_OTHERS = 10;

/** The states of all Canaries, by namespace and name. */
export function canaryStates(table: CanaryTable, around: CanarySurroundings): CanaryState[] {
  const states = [...table.all()].map(({ active, older }) => stateOf(active, older, around));
  return states.sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

/** What is to be said of a Canary where it is written, whatever its pods do; null = nothing. */
export function canaryFinding(
  { canary }: ActiveCanary,
  older: Canary | null,
  around: CanarySurroundings,
): Finding | null {
  if (older !== null)
    return finding('canary-conflict', ['spec', canary.target.kind], { older: canaryName(older) });
  const { target } = canary;
  if (around.isShutOut(canary))
    return finding('canary-foreign', ['spec', target.kind], { namespace: canary.meta.namespace });
  if (target.kind === 'mapping') {
    if (around.hasMapping(target.mapping)) return null;
    return finding('canary-mapping-missing', ['spec', 'mapping'], { mapping: target.mapping });
  }
  if (!around.inCluster || around.index.service(...placeOf(target.service)) !== null) return null;
  return finding('canary-service-missing', ['spec', 'service'], { service: target.service });
}

function stateOf(active: ActiveCanary, older: Canary | null, around: CanarySurroundings): CanaryState {
  const { canary, weight, overlay } = active;
  const { meta, generation, target } = canary;
  const versions = target.kind === 'service' ? versionsOf(canary, around.index) : null;
  const targetName = targetOf(canary);
  return {
    name: meta.name,
    namespace: meta.namespace,
    generation,
    target: `${target.kind === 'service' ? 'Service' : 'Mapping'} ${targetName}`,
    targetName,
    port: target.kind === 'service' ? target.port : null,
    revision: revisionOf(canary),
    weight,
    specWeight: canary.weight,
    overlay,
    versions: versions === null ? null : { stable: versions.stable, canary: versions.canary },
    others: versions?.others ?? [],
    conditions: conditionsOf(active, older, versions, around),
  };
}

function conditionsOf(
  active: ActiveCanary,
  older: Canary | null,
  versions: ReturnType<typeof versionsOf> | null,
  around: CanarySurroundings,
): Condition[] {
  const { target, onEmpty } = active.canary;
  const accepted = (status: 'True' | 'False', reason: string, message: string): Condition => {
    return { type: 'Accepted', status, reason, message };
  };
  const ready = (status: 'True' | 'False', reason: string, message: string): Condition => {
    return { type: 'Ready', status, reason, message };
  };
  const refused = (reason: string, message: string): Condition[] => {
    return [accepted('False', reason, message), ready('False', reason, message)];
  };
  if (older !== null) {
    const message = `${canaryName(older)} divides the same and is older, so this one has no effect; remove one of them`;
    return refused('Conflict', message);
  }
  if (around.isShutOut(active.canary)) {
    const own = active.canary.meta.namespace;
    const message = `it is of namespace ${own} and divides nothing of another one (--isolate-namespaces)`;
    return refused('NamespaceForeign', message);
  }
  const found = canaryFinding(active, older, around);
  if (found !== null) {
    const isMapping = target.kind === 'mapping';
    const what = isMapping
      ? `no Mapping ${target.mapping} is served`
      : `there is no Service ${target.service}`;
    return refused(
      isMapping ? 'MappingNotFound' : 'ServiceNotFound',
      `${what}; it takes effect as soon as there is`,
    );
  }
  const good = accepted('True', 'Accepted', 'the Canary is valid and divides what it names');
  if (target.kind === 'mapping' || versions === null)
    return [good, ready('True', 'Ready', `the Mapping gets ${active.weight} %`)];
  const [namespace, name] = placeOf(target.service);
  if (!around.isRouted(`${namespace}/${name}`)) {
    const message = `no route leads to the Service ${target.service}; add a Mapping with service: ${name}`;
    return [good, ready('False', 'NotRouted', message)];
  }
  const { stable, canary } = versions;
  const label = target.versionLabel;
  const fate = onEmpty === 'fail' ? 'its share is answered with 503 (gRPC 14)' : 'its share goes to stable';
  if (canary.pods === 0)
    return [
      good,
      ready('False', 'NoCanaryPods', `no pod of the Service has ${label}=${canary.version}; ${fate}`),
    ];
  if (stable.pods === 0) {
    const message = `no pod of the Service has ${label}=${stable.version}; all pods but those with ${label}=${canary.version} stand for stable`;
    return [good, ready('False', 'NoStablePods', message)];
  }
  if (canary.ready === 0)
    return [
      good,
      ready('False', 'CanaryNotReady', `no pod with ${label}=${canary.version} is ready; ${fate}`),
    ];
  if (stable.ready === 0) {
    const message = `no pod with ${label}=${stable.version} is ready; its share is answered with 503 (gRPC 14) and never moved to the canary`;
    return [good, ready('False', 'StableNotReady', message)];
  }
  const others =
    versions.others.length === 0
      ? ''
      : `; of neither version, and without calls: ${versions.others.join(', ')}`;
  const counts = `${canary.ready} of ${canary.pods} pods of ${canary.version}, ${stable.ready} of ${stable.pods} of ${stable.version} are ready`;
  return [good, ready('True', 'Ready', counts + others)];
}

function versionsOf(
  { target }: Canary,
  index: EndpointIndex,
): { stable: VersionState; canary: VersionState; others: string[] } | null {
  if (target.kind !== 'service') return null;
  const [namespace, name] = placeOf(target.service);
  const pods = new Map<string, boolean>();
  for (const { ready, draining, unready } of index.subsets(namespace, name) ?? []) {
    for (const { pod } of ready) if (pod !== null) pods.set(pod, true);
    for (const { pod } of [...draining, ...unready]) if (pod !== null && !pods.has(pod)) pods.set(pod, false);
  }
  const counts = { stable: { ready: 0, pods: 0 }, canary: { ready: 0, pods: 0 } };
  const others: string[] = [];
  for (const [pod, isReady] of pods) {
    const value = index.podLabels(namespace, pod)?.[target.versionLabel];
    const side = value === target.stable ? 'stable' : value === target.canary ? 'canary' : null;
    if (side === null) {
      if (others.length < MOST_OTHERS) others.push(pod);
      continue;
    }
    counts[side].pods++;
    if (isReady) counts[side].ready++;
  }
  return {
    stable: { version: target.stable, ...counts.stable },
    canary: { version: target.canary, ...counts.canary },
    others: counts.stable.pods === 0 ? [] : others.sort(),
  };
}

function placeOf(service: string): [namespace: string, name: string] {
  const [name, namespace] = service.split('.') as [string, string];
  return [namespace, name];
}
