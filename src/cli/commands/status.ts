import { Command } from 'commander';
import type { ErrorsReport, RoutesReport, ServicesReport } from '../../admin/reports.ts';
import type { Address } from '../../runtime/options.ts';
import { parseAddress } from '../addresses.ts';
import { fetchAdmin } from '../admin-client.ts';
import { tableLines } from '../table.ts';

type OutputFormat = 'table' | 'json' | 'yaml';

const examples = `
Examples:
  $ serin status
  $ serin status -o json --admin 127.0.0.1:8877`;

/** `serin status`: every version's calls, rate, errors and latency, from a running serin. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description('show what a running serin serves: every version’s calls, rate, errors, latency')
    .option('--admin <host:port>', 'the running serin', parseAddress, { address: '127.0.0.1', port: 8877 })
    .option('--admin-token-file <file>', 'file with the token, where that serin asks for one')
    .addOption(
      new Command()
        .createOption('-o, --output <format>', 'how it is printed')
        .choices(['table', 'json', 'yaml'])
        .default('table'),
    )
    .addHelpText('after', examples);
  return command.action(async (given: { admin: Address; adminTokenFile?: string; output: OutputFormat }) => {
    const ask = fetchAdmin(given.admin, given.adminTokenFile ?? null);
    try {
      const [services, routes, errors] = await Promise.all([
        ask<ServicesReport>('/api/v1/services'),
        ask<RoutesReport>('/api/v1/routes'),
        ask<ErrorsReport>('/api/v1/errors'),
      ]);
      await print(statusRows(services, routes), given.output);
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

async function print(rows: Record<string, string | number>[], format: OutputFormat): Promise<void> {
  if (format === 'json') console.log(JSON.stringify(rows, null, 2));
  else if (format === 'yaml') console.log((await import('yaml')).stringify(rows).trimEnd());
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
