import type { RoutesReport, ServicesReport, VersionReport } from '../../admin/reports.ts';
import { colours } from '../colours.ts';
import { tableLines } from '../table.ts';
import type { LoadTally } from './load.ts';

/** What the demo runs on. */
export interface DemoPlaces {
  readonly gateway: string;
  readonly admin: string;
  readonly manifest: string;
}

/** Rows of the live table: both versions side by side. */
export function versionRows(
  services: ServicesReport,
  routes: RoutesReport,
): Record<string, string | number>[] {
  const versions = services.services.flatMap(({ service, versions }) =>
    versions.map((v) => ({ service, ...v })),
  );
  const total = versions.reduce((sum, v) => sum + v.rate, 0);
  return versions.map((v) => ({
    version: v.version,
    service: v.service.split('.')[0]!,
    weight: weightText(routes, v.service, v.version),
    'share of calls': total > 0 ? `${((100 * v.rate) / total).toFixed(1)} %` : '-',
    'rate/s': Math.round(v.rate),
    calls: v.requests,
    errors: failures(v),
    'p50 ms': v.p50 === null ? '-' : v.p50.toFixed(2),
    'p99 ms': v.p99 === null ? '-' : v.p99.toFixed(2),
  }));
}

/** The lines of the demo's screen. */
export function screenLines(
  services: ServicesReport,
  routes: RoutesReport,
  places: DemoPlaces,
  tally: LoadTally,
): string[] {
  const [head = '', ...rows] = tableLines(versionRows(services, routes));
  return [
    `${colours.bold('serin demo')}  gRPC calls to ${places.gateway}, admin ${places.admin}`,
    '',
    colours.bold(head),
    ...rows,
    '',
    tally.failures === 0
      ? 'Not one call has failed.'
      : colours.red(`${tally.failures} calls failed: ${tally.lastFailure}`),
    '',
    `The manifests: ${places.manifest}. While this runs:`,
    `  change the weight   sed -i 's/weight: .*/weight: 50/' ${places.manifest}`,
    '  delete the canary   open the file and delete the Service grpc-server-canary (all calls go to v1 at once)',
    `  look                serin status --admin ${places.admin.replace('http://', '')}`,
    'Ctrl-C ends everything.',
  ];
}

/** The lines that are left when the demo ends. */
export function summaryLines(tally: LoadTally, seconds: number): string[] {
  const answered = [...tally.answers.values()].reduce((a, b) => a + b, 0);
  return [
    `${answered + tally.failures} calls in ${seconds.toFixed(1)} s, ${tally.failures} failed.`,
    ...[...tally.answers]
      .sort()
      .map(([version, n]) => `  ${version}: ${n} calls, ${((100 * n) / Math.max(1, answered)).toFixed(1)} %`),
  ];
}

function weightText(routes: RoutesReport, service: string, version: string): string {
  const backend = routes.routes
    .flatMap((r) => r.backends)
    .find((b) => b.service === service && b.version === version);
  return backend === undefined ? '-' : `${Math.round(backend.share * 1000) / 10} %`;
}

function failures(version: VersionReport): number {
  return Object.values(version.errors).reduce((a, b) => a + b, 0);
}
