import type { ContainerStatus, Pod, PodCondition, PodStatus } from './pod.ts';

/** What a kubelet knows of a pod. */
export interface PodFacts {
  readonly startTime: string;
  /** Empty until the pod has its network. */
  readonly addresses: readonly string[];
  readonly nodeAddress: string;
  readonly initContainers: readonly ContainerStatus[];
  readonly containers: readonly ContainerStatus[];
}

const own = new Set(['PodScheduled', 'PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready']);

/** The status that a kubelet writes. Conditions of others (readiness gates) stay as they are. */
export function podStatus(pod: Pod, facts: PodFacts): PodStatus & { observedGeneration?: number } {
  const { containers, initContainers, addresses, nodeAddress } = facts;
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !own.has(type));
  const initialized = initContainers.every(({ ready }) => ready);
  const phase = phaseOf(pod, containers);
  const over = phase === 'Succeeded' || phase === 'Failed';
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name);
  const gates = (pod.spec.readinessGates ?? []).every(({ conditionType }) =>
    others.some(({ type, status }) => type === conditionType && status === 'True'),
  );
  const containersReady = initialized && unready.length === 0 && !over;
  const why = over
    ? { reason: 'PodCompleted' }
    : { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
  const gateMissing = { reason: 'ReadinessGatesNotReady', message: 'a readiness gate is not "True"' };
  const { generation } = pod.metadata;
  const condition = (type: string, holds: boolean, because: { reason?: string; message?: string } = {}) =>
    transition(pod, {
      type,
      status: holds ? 'True' : 'False',
      ...(holds ? {} : because),
      ...(generation !== undefined && { observedGeneration: generation }),
    });
  return {
    phase,
    conditions: [
      condition('PodReadyToStartContainers', addresses.length > 0 && !over),
      condition('Initialized', initialized, { reason: 'ContainersNotInitialized' }),
      condition('Ready', containersReady && gates, containersReady ? gateMissing : why),
      condition('ContainersReady', containersReady, why),
      condition('PodScheduled', true),
      ...others,
    ],
    hostIP: nodeAddress,
    ...(addresses[0] !== undefined && { podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) }),
    startTime: facts.startTime,
    ...(initContainers.length > 0 && { initContainerStatuses: initContainers }),
    containerStatuses: containers,
    ...(generation !== undefined && { observedGeneration: generation }),
  };
}

function phaseOf(pod: Pod, containers: readonly ContainerStatus[]): NonNullable<PodStatus['phase']> {
  const terminated = containers.map(({ state }) => state.terminated);
  const over = pod.metadata.deletionTimestamp !== undefined || pod.spec.restartPolicy !== 'Always';
  if (over && terminated.length > 0 && terminated.every((one) => one !== undefined)) {
    const failed = terminated.some((one) => one.exitCode !== 0);
    if (!failed) return 'Succeeded';
    if (pod.metadata.deletionTimestamp !== undefined || pod.spec.restartPolicy === 'Never') return 'Failed';
  }
  const begun = containers.every(
    ({ state, restartCount }) => state.waiting === undefined || restartCount > 0,
  );
  return begun ? 'Running' : 'Pending';
}

/** Keeps the time of a condition that has not changed. */
function transition(pod: Pod, next: PodCondition): PodCondition {
  const old = pod.status?.conditions?.find(({ type }) => type === next.type);
  const kept = old?.status === next.status ? old.lastTransitionTime : undefined;
  return { ...next, lastTransitionTime: kept ?? new Date().toISOString() };
}
