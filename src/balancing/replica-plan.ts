/** How many pods a Service has of its two versions. */
export interface ReplicaCounts {
  readonly stable: number;
  readonly canary: number;
}

/** Pods between which an autoscaler moves a Deployment; a Deployment without one has both the same. */
export interface ReplicaRange {
  readonly min: number;
  readonly max: number;
}

/** Autoscalers of the two versions; null = there is none, the number stays as it was set. */
export interface Autoscalers {
  readonly stable: ReplicaRange | null;
  readonly canary: ReplicaRange | null;
}

/** Shares in percent. */
export interface ShareRange {
  readonly from: number;
  readonly to: number;
}

/** Two replica counts, and what becomes of them. */
export interface ReplicaPlan extends ReplicaCounts {
  readonly pods: number;
  /** Percent of the calls that the canary gets by it. */
  readonly share: number;
  /** Points that the share is above (+) or below (-) what is wanted. */
  readonly error: number;
  /** Pods beyond those of today. */
  readonly extraPods: number;
  /** Between which shares autoscalers move it; null where there is none. */
  readonly autoscaled: ShareRange | null;
}

/** What is to be planned. */
export interface PlanRequest {
  /** Percent that the canary is to get. */
  readonly weight: number;
  readonly today: ReplicaCounts;
  /** Fewest pods in all that the calls need. */
  readonly minPods: number;
  /** Most pods in all. */
  readonly maxPods: number;
  readonly autoscalers: Autoscalers;
}

/** A plan is shown when it has at most this part of the error of the one before: no list of fifty that differ by nothing. */
const BETTER = 0.5;

/**
 * Replica counts by which Kubernetes alone comes near to a weight, the fewest pods first: each as good as it gets with so many pods, and at
 * least twice as near as the one before. The last one is the nearest of all. A version that is to get calls keeps a pod.
 */
export function replicaPlans(request: PlanRequest): ReplicaPlan[] {
  const { weight, minPods, maxPods } = request;
  const fewest = Math.max(minPods, weight > 0 && weight < 100 ? 2 : 1);
  const plans: ReplicaPlan[] = [];
  let nearest: ReplicaPlan | null = null;
  for (let pods = fewest; pods <= Math.max(fewest, maxPods); pods++) {
    const plan = planOf(nearestCounts(weight, pods), request);
    const error = Math.abs(plan.error);
    if (nearest !== null && error >= Math.abs(nearest.error)) continue;
    nearest = plan;
    const last = plans.at(-1);
    if (last === undefined || error <= Math.abs(last.error) * BETTER) plans.push(plan);
    if (error === 0) break;
  }
  if (nearest !== null && plans.at(-1) !== nearest) plans.push(nearest);
  return plans;
}

/** What two replica counts lead to. */
export function planOf(
  counts: ReplicaCounts,
  request: Omit<PlanRequest, 'minPods' | 'maxPods'>,
): ReplicaPlan {
  const { weight, today, autoscalers } = request;
  const share = shareOf(counts);
  const pods = counts.stable + counts.canary;
  return {
    ...counts,
    pods,
    share: rounded(share),
    error: rounded(share - weight),
    extraPods: pods - today.stable - today.canary,
    autoscaled: autoscaledShares(counts, autoscalers),
  };
}

/** Percent of the calls that the canary gets: each pod gets as many as any other. */
export function shareOf({ stable, canary }: ReplicaCounts): number {
  return stable + canary === 0 ? 0 : (canary * 100) / (stable + canary);
}

/** The smallest and the greatest share that autoscalers can make of two counts; null where there is none. */
function autoscaledShares(counts: ReplicaCounts, { stable, canary }: Autoscalers): ShareRange | null {
  if (stable === null && canary === null) return null;
  const fixed = (count: number): ReplicaRange => ({ min: count, max: count });
  const [s, c] = [stable ?? fixed(counts.stable), canary ?? fixed(counts.canary)];
  return {
    from: rounded(shareOf({ stable: s.max, canary: c.min })),
    to: rounded(shareOf({ stable: s.min, canary: c.max })),
  };
}

function nearestCounts(weight: number, pods: number): ReplicaCounts {
  const wanted = Math.round((weight * pods) / 100);
  const canary = Math.min(weight < 100 ? pods - 1 : pods, Math.max(weight > 0 ? 1 : 0, wanted));
  return { stable: pods - canary, canary };
}

/** To four decimals, as weights have them. */
function rounded(percent: number): number {
  return Math.round(percent * 10_000) / 10_000;
}
