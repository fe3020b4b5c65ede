import { Command, InvalidArgumentError } from 'commander';
import { planOf, type ReplicaPlan, type ReplicaRange, replicaPlans } from '../../balancing/replica-plan.ts';
import type { ServiceReplicas } from '../../kubernetes/replica-counts.ts';
import { parseCount, parseWeightArgument } from '../addresses.ts';
import { addClusterOptions, type ClusterGiven, meansCluster, openCluster } from '../cluster.ts';
import { formatObject, type OutputFormat, outputOption, print } from '../output.ts';
import { tableLines } from '../table.ts';

const examples = `
Examples:
  $ serin plan shop --weight 7% --stable 3 --canary 1
  $ serin plan shop --weight 7% --stable 3 --canary 1 --stable-hpa 3-10
  $ kubectl serin plan shop --weight 7% --max-pods 30`;

interface Given extends ClusterGiven {
  readonly weight: number;
  readonly replicas?: number;
  readonly maxPods: number;
  readonly stable?: number;
  readonly canary?: number;
  readonly stableHpa?: ReplicaRange;
  readonly canaryHpa?: ReplicaRange;
  readonly deployments?: readonly [string, string];
  readonly output: OutputFormat;
}

/** What there is to plan with, from a cluster or from the command line. */
interface Subject extends Omit<ServiceReplicas, 'namespace'> {
  /** Null where the manifest does not say one. */
  readonly namespace: string | null;
}

/** Pods that a plan may have unless it is said: with so many every whole percent is exact. */
const MOST_PODS = 100;

/** `serin plan SERVICE --weight W`: which replica counts come nearest to a weight where replicas alone divide the calls. */
export function planCommand(): Command {
  const command = new Command('plan')
    .description(
      'which replica counts come nearest to a weight, where one Service stands over two Deployments',
    )
    .argument('<service>', 'Service: NAME or NAME.NAMESPACE')
    .requiredOption(
      '--weight <percent>',
      'what the canary is to get, such as 7% or 0.25',
      parseWeightArgument,
    )
    .option(
      '--replicas <n>',
      'pods in all that the calls need at least (default: those of today)',
      parseCount,
    )
    .option('--max-pods <n>', 'pods in all at most', parseCount, MOST_PODS)
    .option('--stable <n>', 'pods of stable today; a cluster is asked otherwise', readPods)
    .option('--canary <n>', 'pods of the canary today', readPods)
    .option('--stable-hpa <min-max>', 'an autoscaler of stable moves it so far', readRange)
    .option('--canary-hpa <min-max>', 'an autoscaler of the canary moves it so far', readRange)
    .option(
      '--deployments <stable,canary>',
      'in a cluster: which Deployment is which (default: fewer pods are the canary)',
      readPair,
    )
    .addOption(outputOption());
  addClusterOptions(command).addHelpText('after', examples);
  return command.action(async (service: string) => {
    const given = command.opts<Given>();
    const offline = given.stable !== undefined && given.canary !== undefined;
    if (!offline && !meansCluster(given))
      command.error(
        'error: say how many pods there are today with --stable N --canary M, or ask the cluster with --kubernetes',
      );
    try {
      await show(offline ? written(service, given) : await inCluster(service, given), given);
    } catch (error) {
      process.stderr.write(`serin: ${(error as Error).message}\n`);
      process.exitCode = 1;
    }
  });
}

function written(service: string, given: Given): Subject {
  const dot = service.indexOf('.');
  return {
    service,
    namespace: dot === -1 ? (given.namespace ?? null) : service.slice(dot + 1),
    names: { stable: 'stable', canary: 'canary' },
    counts: { stable: given.stable!, canary: given.canary! },
    autoscalers: { stable: given.stableHpa ?? null, canary: given.canaryHpa ?? null },
    versionLabel: 'version',
    versions: { stable: 'v1', canary: 'v2' },
    note: null,
  };
}

async function inCluster(service: string, given: Given): Promise<Subject> {
  const { client, namespace } = await openCluster(given);
  const { readServiceReplicas } = await import('../../kubernetes/replica-counts.ts');
  const found = await readServiceReplicas(client, service, namespace, given.deployments ?? null);
  const { counts, autoscalers } = found;
  return {
    ...found,
    // What is written wins: "what if".
    counts: { stable: given.stable ?? counts.stable, canary: given.canary ?? counts.canary },
    autoscalers: {
      stable: given.stableHpa ?? autoscalers.stable,
      canary: given.canaryHpa ?? autoscalers.canary,
    },
  };
}

async function show(subject: Subject, given: Given): Promise<void> {
  const { counts, autoscalers } = subject;
  const request = {
    weight: given.weight,
    today: counts,
    minPods: given.replicas ?? counts.stable + counts.canary,
    maxPods: given.maxPods,
    autoscalers,
  };
  const plans = replicaPlans(request);
  const today = planOf(counts, request);
  const canary = canaryOf(subject, given.weight);
  if (given.output !== 'table') {
    const { service, names, note } = subject;
    const report = {
      service,
      weight: given.weight,
      deployments: names,
      today,
      plans,
      autoscalers,
      note,
      canary,
    };
    return print(formatObject(report, given.output));
  }
  const rows = [row('today', today), ...plans.map((plan, i) => row(String(i + 1), plan))];
  print(
    [...tableLines(rows), '', ...sentences(subject, given.weight), '', formatObject(canary, 'yaml')].join(
      '\n',
    ),
  );
}

function row(name: string, plan: ReplicaPlan): Record<string, string | number> {
  const { stable, canary, share, error, pods, extraPods, autoscaled } = plan;
  return {
    plan: name,
    stable,
    canary,
    pods,
    'more pods': name === 'today' ? '-' : signed(extraPods),
    share: `${share} %`,
    error: `${signed(error)} points`,
    ...(autoscaled === null ? {} : { 'with autoscaling': `${autoscaled.from} to ${autoscaled.to} %` }),
  };
}

function sentences({ names, autoscalers, note, service }: Subject, weight: number): string[] {
  const scaled = (['stable', 'canary'] as const).flatMap((role) => {
    const range = autoscalers[role];
    return range === null ? [] : [`${names[role]} (${range.min} to ${range.max} pods)`];
  });
  const lines = note === null ? [] : [note];
  if (scaled.length > 0)
    lines.push(
      `Autoscaling of ${scaled.join(' and ')} changes the replicas, and with them the share: no plan holds.`,
    );
  else lines.push('An autoscaler on either Deployment would change the replicas, and with them the share.');
  lines.push(
    `A Canary holds ${weight} % of the calls of ${service} whatever the replicas, and both Deployments may be autoscaled (kubectl apply -f -):`,
  );
  return lines;
}

/** The manifest that makes the weight independent of replicas. */
function canaryOf({ service, namespace, versionLabel, versions }: Subject, weight: number): object {
  const [name] = service.split('.');
  return {
    apiVersion: 'serin.dev/v1alpha1',
    kind: 'Canary',
    metadata: { name, ...(namespace === null ? {} : { namespace }) },
    spec: {
      service: name,
      ...(versionLabel === 'version' ? {} : { versionLabel }),
      stable: versions.stable,
      canary: versions.canary,
      weight,
    },
  };
}

function signed(number: number): string {
  return number > 0 ? `+${number}` : String(number);
}

function readPods(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}

function readRange(text: string): ReplicaRange {
  const [, min, max] = /^(\d{1,6})-(\d{1,6})$/.exec(text) ?? [];
  if (min === undefined || max === undefined || Number(min) > Number(max))
    throw new InvalidArgumentError('Write MIN-MAX, such as 2-10.');
  return { min: Number(min), max: Number(max) };
}

function readPair(text: string): readonly [string, string] {
  const [stable, canary, ...more] = text.split(',').map((name) => name.trim());
  if (!stable || !canary || more.length > 0 || stable === canary)
    throw new InvalidArgumentError('Write the names of two Deployments: STABLE,CANARY.');
  return [stable, canary];
}
