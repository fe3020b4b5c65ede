import { Command } from 'commander';
import type { SplitChangeReport } from '../../admin/reports.ts';
import type { SplitCommand } from '../../resources/serin/overlay.ts';
import type { Address } from '../../runtime/options.ts';
import { parseAddress, parseDuration, parseWeightArgument } from '../addresses.ts';
import { postAdmin } from '../admin-client.ts';
import { addClusterOptions, type ClusterGiven, meansCluster, openCluster, userName } from '../cluster.ts';
import { formatObject, type OutputFormat, outputOption, print } from '../output.ts';

interface Given extends ClusterGiven {
  readonly admin: Address;
  readonly adminTokenFile?: string;
  readonly state?: string;
  readonly timeout: number;
  readonly endStreams?: number;
  readonly output: OutputFormat;
}

/** What has become of a split, for people and for `-o json`. Weights in percent. */
interface Outcome {
  readonly name: string;
  readonly before: number;
  readonly weight: number;
  readonly state: string;
  /** Replicas that serve it, and those that do not yet; absent where one serin was asked. */
  readonly replicas?: {
    readonly applied: readonly string[];
    readonly waiting: readonly string[];
    /** Why it cannot be seen who serves it; null = it can. */
    readonly unseen: string | null;
  };
}

const descriptions: Readonly<Record<SplitCommand['kind'], string>> = {
  'set-weight': 'give a canary this many percent, until resume or another release',
  pause: 'keep a canary’s weight as it is now, whatever is written',
  resume: 'let the written weight of a canary count again',
  promote: 'give a canary all calls',
  abort: 'take all calls from a canary; running ones finish where they are',
};

/** `serin set-weight NAME W`, `pause`, `resume`, `promote`, `abort`: change the weight of a running split. */
export function splitCommand(kind: SplitCommand['kind']): Command {
  const command = new Command(kind)
    .description(descriptions[kind])
    .argument('<name>', 'Canary, or outside of a cluster a Mapping with a weight: NAME or NAME.NAMESPACE');
  if (kind === 'set-weight') command.argument('<weight>', 'percent, such as 7% or 0.25', parseWeightArgument);
  if (kind === 'abort') {
    command.option(
      '--end-streams <duration>',
      'end its running calls so long after that (gRPC: UNAVAILABLE)',
      parseDuration,
    );
  }
  command
    .option('--state <dir>', 'state folder of the running serin, whose socket is asked')
    .option('--admin <host:port>', 'the running serin', parseAddress, { address: '127.0.0.1', port: 8877 })
    .option('--admin-token-file <file>', 'file with the token, where the socket cannot be reached')
    .option('--timeout <duration>', 'how long to wait until every replica serves it', parseDuration, 30_000)
    .addOption(outputOption());
  addClusterOptions(command);
  const example = kind === 'set-weight' ? 'web 7%' : 'web';
  command.addHelpText(
    'after',
    `\nExamples:\n  $ serin ${kind} ${example} --state /var/lib/serin\n  $ kubectl serin ${kind} ${example} -n shop`,
  );
  return command.action(async (name: string, ...rest: unknown[]) => {
    const given = command.opts<Given>();
    const order = orderOf(kind, rest[0], given.endStreams);
    try {
      const outcome = meansCluster(given)
        ? await inCluster(name, order, given)
        : await atAdmin(name, order, given);
      print(given.output === 'table' ? sentence(outcome) : formatObject(outcome, given.output));
      if ((outcome.replicas?.waiting.length ?? 0) > 0) process.exitCode = 1;
    } catch (error) {
      process.stderr.write(`serin: ${(error as Error).message}\n`);
      process.exitCode = 1;
    }
  });
}

/** @param weight of set-weight. @param endStreamsMs of abort. */
function orderOf(kind: SplitCommand['kind'], weight: unknown, endStreamsMs?: number): SplitCommand {
  if (kind === 'set-weight') return { kind, weight: weight as number };
  if (kind === 'abort') return { kind, endStreamsS: endStreamsMs === undefined ? null : endStreamsMs / 1000 };
  return { kind };
}

async function inCluster(name: string, order: SplitCommand, given: Given): Promise<Outcome> {
  const { client, namespace } = await openCluster(given);
  const { commandCanary, waitApplied } = await import('../../kubernetes/canary-client.ts');
  const change = await commandCanary(client, name, namespace, order, userName());
  const { by, waiting, unseen } = await waitApplied(client, change.version, given.timeout);
  return {
    name: `${change.name}.${change.namespace}`,
    before: change.before,
    weight: change.weight,
    state: change.overlay?.state ?? 'as written',
    replicas: { applied: by, waiting, unseen },
  };
}

async function atAdmin(name: string, order: SplitCommand, given: Given): Promise<Outcome> {
  const { kind, ...more } = order;
  const body = { command: kind, by: userName(), ...more };
  const path = `/api/v1/splits/${name.split('/').map(encodeURIComponent).join('/')}`;
  const change = await postAdmin<SplitChangeReport>(given, path, body);
  return {
    name: change.name,
    before: change.before,
    weight: change.weight,
    state: change.overlay?.state ?? 'as written',
  };
}

function sentence({ name, before, weight, state, replicas }: Outcome): string {
  const what = `${name}: ${weight} % (before: ${before} %), ${state}`;
  if (replicas === undefined) return `${what}; served`;
  const { applied, waiting, unseen } = replicas;
  if (unseen !== null) return `${what}; written, and who serves it cannot be seen: ${unseen}`;
  if (applied.length + waiting.length === 0) return `${what}; written, and no serin is there to serve it`;
  if (waiting.length === 0) return `${what}; served by all ${applied.length} replicas`;
  return `${what}; served by ${applied.length} of ${applied.length + waiting.length} replicas, not yet by ${waiting.join(', ')}`;
}
