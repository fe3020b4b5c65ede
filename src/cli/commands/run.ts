import { availableParallelism, networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { parseLabelSelector } from '../../lib/label-selector.ts';
import type { Limits } from '../../proxy/limits.ts';
import type { AcceptMode, Address, ClusterOptions, RunOptions } from '../../runtime/options.ts';
import {
  collectAddress,
  collectCidr,
  collectResolve,
  parseAddress,
  parseCount,
  parseDuration,
  parseKeepAlive,
  type Resolve,
} from '../addresses.ts';
import { addLaterOptions, refuseLaterOptions } from '../later.ts';
import { collectLimit } from '../limit-option.ts';
import { version } from '../version.ts';

const examples = `
Examples:
  $ serin run manifests/
  $ serin run hello-grpc.yaml --resolve grpc-server.default.svc.cluster.local:50051=127.0.0.1:50051
  $ serin run --kubernetes --context staging --listen 127.0.0.1:8080

Then: serin status shows every version's calls; edit the files, each change is served at once.`;

interface Given {
  readonly kubernetes: boolean;
  readonly context?: string;
  readonly namespace?: string;
  readonly selector?: string;
  readonly watchSilence?: number;
  readonly zone?: string;
  readonly mappingStatus: boolean;
  readonly allowBackend?: string[];
  readonly state?: string;
  readonly listen?: Address[];
  readonly bind?: string;
  readonly admin: Address;
  readonly resolve?: Resolve[];
  readonly workers: number;
  readonly accept?: AcceptMode;
  readonly ambassadorId?: string[];
  readonly unguarded: boolean;
  readonly isolateNamespaces: boolean;
  readonly verifyUpstreams: boolean;
  readonly maxSeries: number;
  readonly adminTokenFile?: string;
  readonly drainDelay: number;
  readonly drainTimeout: number;
  readonly logFormat?: 'json' | 'pretty';
  readonly accessLog: boolean;
  readonly limit?: Partial<Limits>;
  readonly upstreamKeepalive?: number;
  readonly upstreamIndex: boolean;
}

/** `serin run PATH...`: serves what the manifests say, following every change of the files. */
export function runCommand(): Command {
  const command = new Command('run')
    .description('serve what the manifests say (files, folders, "-"), following every change of the files')
    .argument('[paths...]', 'files, folders, or - for standard input')
    .option(
      '--kubernetes',
      'follow a cluster in place of paths (kubeconfig, or the pod’s ServiceAccount)',
      false,
    )
    .option('--context <name>', 'context of the kubeconfig')
    .option('--namespace <name>', 'follow one namespace (default: all)')
    .option('--selector <labels>', 'only objects with these labels configure the gateway')
    .option(
      '--watch-silence <duration>',
      'give up a watch that says nothing for so long (default: 150s)',
      parseDuration,
    )
    .option(
      '--mapping-status',
      'write the status of Mappings, too (not beside Emissary, which does it)',
      false,
    )
    .option('--zone <name>', 'where this gateway runs: endpoints with hints for this zone are preferred')
    .option(
      '--allow-backend <cidr>',
      'loopback, link-local or own addresses that may be backends in a cluster; repeatable',
      collectCidr,
    )
    .option(
      '--listen <host:port>',
      'where calls come in; replaces the ports of all Listeners, not those of TCPMappings; repeatable (default: 127.0.0.1:8080 where the manifests have no Listener)',
      collectAddress,
    )
    .option(
      '--bind <address>',
      'address on which Listeners and TCPMappings of the manifests are bound (default: 127.0.0.1; with --kubernetes all)',
    )
    .addOption(
      new Option('--admin <host:port>', 'API, /metrics, health')
        .argParser(parseAddress)
        .default({ address: '127.0.0.1', port: 8877 }, '127.0.0.1:8877'),
    )
    .option('--admin-token-file <file>', 'file with the token for reading --admin from other machines')
    .option('--state <dir>', 'folder that keeps what commands have set, with the socket for them')
    .option(
      '--resolve <name:port=addr:port,...>',
      'endpoints of a service outside a cluster; repeatable',
      collectResolve,
    )
    .option('--workers <n>', 'proxy processes', parseCount, availableParallelism())
    .addOption(
      new Option(
        '--accept <who>',
        'who accepts connections: parent, which deals them out evenly, or workers, cheaper for short ones (default: workers where there is one, else parent)',
      ).choices(['parent', 'workers']),
    )
    .option(
      '--ambassador-id <id>',
      'whose objects are read; repeatable (default: AMBASSADOR_ID, else "default")',
      (v: string, all: string[] = []) => [...all, v],
    )
    .option('--unguarded', 'serve routes that an AuthService or Filter should guard', false)
    .option(
      '--isolate-namespaces',
      'a Mapping joins only its own namespace’s group, and a Canary divides only what is of its own',
      false,
    )
    .option('--verify-upstreams', 'verify the certificates of all upstreams over TLS', false)
    .option('--max-series <n>', 'series of metrics that keep their labels', parseCount, 10_000)
    .option(
      '--drain-delay <duration>',
      'go on accepting so long after SIGTERM, already not ready',
      parseDuration,
      0,
    )
    .addOption(
      new Option('--drain-timeout <duration>', 'so long running calls may finish after that')
        .argParser(parseDuration)
        .default(30_000, '30s'),
    )
    .option('--access-log', 'a line for each call', false)
    .option(
      '--limit <name=value>',
      'another value for a limit of the data plane (docs/limits.md); repeatable',
      collectLimit,
    )
    .option(
      '--upstream-keepalive <duration>',
      'PING upstream connections with calls so often, at least 5m (default: never)',
      parseKeepAlive,
    )
    .option('--no-upstream-index', 'send long repeated headers in full, not by reference (RFC 7541 7.1)')
    .addOption(
      new Command()
        .createOption('--log-format <format>', 'json or pretty (default: pretty on a terminal)')
        .choices(['json', 'pretty']),
    )
    .addHelpText('after', examples);
  addLaterOptions(command);
  return command.action(async (paths: string[], given: Given) => {
    refuseLaterOptions(command, { ...given });
    refuseMixed(command, paths, given);
    const { Parent } = await import('../../runtime/parent.ts');
    const { makeLogger } = await import('../../runtime/logger.ts');
    const options = runOptions(paths, given);
    const parent = new Parent(options, makeLogger(options.logFormat, 'parent'));
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => parent.shutdown(signal));
    // Started by another program over IPC (the demo): when that one goes, so does the gateway.
    process.on('disconnect', () => parent.shutdown('disconnect'));
    const { exitCode, problem } = await parent.run();
    if (problem !== null) process.stderr.write(`serin: ${problem}\n`);
    process.exit(exitCode);
  });
}

/** Options of a cluster that need one, and the two sources beside one another. */
function refuseMixed(command: Command, paths: readonly string[], given: Given): void {
  if (given.kubernetes && paths.length > 0)
    command.error('error: --kubernetes takes no paths: the manifests are those of the cluster');
  if (!given.kubernetes && paths.length === 0)
    command.error('error: name the manifests (files, folders, or -), or follow a cluster with --kubernetes');
  if (given.kubernetes) {
    try {
      parseLabelSelector(given.selector ?? '');
    } catch (error) {
      command.error(`error: --selector: ${(error as Error).message}`);
    }
    return;
  }
  for (const key of ['context', 'namespace', 'selector', 'watchSilence', 'zone', 'allowBackend'] as const) {
    if (given[key] === undefined) continue;
    const flag = `--${key.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}`;
    command.error(`error: ${flag} needs --kubernetes`);
  }
}

function clusterOptions(given: Given): ClusterOptions {
  return {
    context: given.context ?? null,
    namespace: given.namespace ?? null,
    selector: given.selector ?? null,
    watchSilenceMs: given.watchSilence ?? null,
    zone: given.zone || null,
    mappingStatus: given.mappingStatus,
  };
}

/** All addresses of the machine, of both families where it has IPv6. */
function anyAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';
}

function runOptions(paths: readonly string[], given: Given): RunOptions {
  const environmentId = process.env.AMBASSADOR_ID;
  return {
    paths,
    cluster: given.kubernetes ? clusterOptions(given) : null,
    allowBackends: given.allowBackend ?? [],
    state: given.state === undefined ? null : resolve(given.state),
    listen: given.listen ?? [],
    bind: given.bind ?? (given.kubernetes ? anyAddress() : '127.0.0.1'),
    admin: given.admin,
    resolve: given.resolve ?? [],
    workers: given.workers,
    accept: given.accept ?? (given.workers === 1 ? 'workers' : 'parent'),
    ambassadorIds: given.ambassadorId ?? [environmentId || 'default'],
    unguarded: given.unguarded,
    isolateNamespaces: given.isolateNamespaces,
    verifyUpstreams: given.verifyUpstreams,
    maxSeries: given.maxSeries,
    adminTokenFile: given.adminTokenFile ?? null,
    drainDelayMs: given.drainDelay,
    drainTimeoutMs: given.drainTimeout,
    logFormat: given.logFormat ?? (process.stdout.isTTY ? 'pretty' : 'json'),
    accessLog: given.accessLog,
    limits: given.limit ?? {},
    upstreamKeepAliveMs: given.upstreamKeepalive ?? 0,
    upstreamIndex: given.upstreamIndex,
    version,
  };
}
