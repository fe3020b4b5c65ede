import { Command } from 'commander';
import type { ErrorsReport, RoutesReport, ServicesReport } from '../../admin/reports.ts';
import type { CanaryObject } from '../../kubernetes/canary-client.ts';
import type { Address } from '../../runtime/options.ts';
import { parseAddress } from '../addresses.ts';
import { fetchAdmin } from '../admin-client.ts';
import { addClusterOptions, type ClusterGiven, meansCluster, openCluster } from '../cluster.ts';
import { formatObject, type OutputFormat, outputOption } from '../output.ts';
import { tableLines } from '../table.ts';

const examples = `
Examples:
  $ serin status
  $ serin status -o json --admin 127.0.0.1:8877
  $ kubectl serin status -n shop`;

/** `serin status`: every version's calls, rate, errors and latency, from a running serin. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description('show what a running serin serves: every version’s calls, rate, errors, latency')
    .option('--admin <host:port>', 'the running serin', parseAddress, { address: '127.0.0.1', port: 8877 })
    .option('--admin-token-file <file>', 'file with the token, where that serin asks for one')
    .addOption(outputOption())
    .addHelpText('after', examples);
  addClusterOptions(command);
  interface Given extends ClusterGiven {
    readonly admin: Address;
    readonly adminTokenFile?: string;
    readonly output: OutputFormat;
  }
  return command.action(async (given: Given) => {
    if (meansCluster(given)) return inCluster(command, given, given.output);
    const ask = fetchAdmin(given.admin, given.adminTokenFile ?? null);
    try {
      const [services, routes, errors] = await Promise.all([
        ask<ServicesReport>('/api/v1/services'),
        ask<RoutesReport>('/api/v1/routes'),
        ask<ErrorsReport>('/api/v1/errors'),
      ]);
      show(statusRows(services, routes), given.output);
      if (given.output === 'table' && errors.errors + errors.warnings > 0) {
        console.log(
          `\n${errors.errors} errors, ${errors.warnings} warnings in the configuration; serin check shows them`,
        );
      }
    } catch (error) {
      command.error(`error: ${(error as Error).message}`);
    }
  });
}

/** The Canaries of a cluster, and the replicas that serve them. */
async function inCluster(command: Command, given: ClusterGiven, format: OutputFormat): Promise<void> {
  try {
    const { client } = await openCluster(given);
    const { listCanaries } = await import('../../kubernetes/canary-client.ts');
    const { isAtLeast, liveReplicas } = await import('../../kubernetes/lease.ts');
    const canaries = await listCanaries(client, given.namespace ?? null);
    const rows = canaries.map(canaryRow);
    if (rows.length > 0 || format !== 'table') show(rows, format);
    else console.log('No Canary yet.');
    if (format !== 'table') return;
    let replicas: Awaited<ReturnType<typeof liveReplicas>>;
    try {
      replicas = await liveReplicas(client, null);
    } catch (error) {
      // Whoever may see Canaries need not be allowed to look at the replicas' Leases.
      console.log(`\nwho serves them is not known: ${(error as Error).message}`);
      return;
    }
    const newest = canaries.reduce((most, { version }) => (isAtLeast(most, version) ? most : version), '0');
    const lines = replicas.map(({ name, applied }) => {
      return `${name}${isAtLeast(applied, newest) ? '' : ' (does not serve the newest of it yet)'}`;
    });
    console.log(`\nserved by ${lines.length === 0 ? 'nobody: no serin is there' : lines.join(', ')}`);
  } catch (error) {
    command.error(`error: ${(error as Error).message}`);
  }
}

/** One row for each Canary, from what it says and its status. */
export function canaryRow({ canary, status }: CanaryObject): Record<string, string | number> {
  const { conditions, observedShare, weight, target, versions, overlay } = status;
  const ready = (Array.isArray(conditions) ? conditions : []).find(({ type }) => type === 'Ready');
  const pods = (version: unknown): string => {
    const { version: name, ready: up, pods: all } = (version ?? {}) as Record<string, unknown>;
    return name === undefined ? '-' : `${name} ${up}/${all}`;
  };
  const { stable, canary: release } = (versions ?? {}) as Record<string, unknown>;
  return {
    canary: `${canary.meta.name}.${canary.meta.namespace}`,
    target: String(target ?? '-'),
    weight: `${weight ?? '-'} %`,
    written: `${canary.weight} %`,
    observed: observedShare === undefined ? '-' : `${observedShare} %`,
    state: String((overlay as { state?: string } | null | undefined)?.state ?? '-'),
    stable: pods(stable),
    release: pods(release),
    ready: ready === undefined ? 'unknown: no serin has looked at it' : `${ready.status}: ${ready.message}`,
  };
}

function show(rows: Record<string, string | number>[], format: OutputFormat): void {
  if (format !== 'table') console.log(formatObject(rows, format));
  else console.log(rows.length === 0 ? 'No service yet.' : tableLines(rows).join('\n'));
}

/** One row for each version of each service; the share is that of the routes which lead to it. */
export function statusRows(
  services: ServicesReport,
  routes: RoutesReport,
): Record<string, string | number>[] {
  return services.services.flatMap(({ service, versions, problem }) =>
    versions.map((version) => {
      const shares = [...routes.routes, ...routes.tcpRoutes].flatMap((route) =>
        route.backends
          .filter((b) => b.service === service && b.version === version.version)
          .map((b) => b.share),
      );
      return {
        service,
        version: version.version,
        role: version.roles.join(',') || '-',
        share: [...new Set(shares.map((share) => `${Math.round(share * 10_000) / 100} %`))].join(', ') || '-',
        endpoints: version.endpoints === 0 && problem !== null ? `0 (${problem})` : version.endpoints,
        requests: version.requests,
        'rate/s': Math.round(version.rate * 10) / 10,
        errors: Object.values(version.errors).reduce((a, b) => a + b, 0),
        'in flight': version.inFlight,
        'p50 ms': milliseconds(version.p50),
        'p90 ms': milliseconds(version.p90),
        'p99 ms': milliseconds(version.p99),
      };
    }),
  );
}

function milliseconds(value: number | null): string {
  return value === null ? '-' : value.toFixed(value < 10 ? 2 : 1);
}
