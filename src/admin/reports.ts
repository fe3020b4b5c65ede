import type { SeriesLabels } from '../metrics/call-series.ts';
import type { SeriesTotal } from '../metrics/merged-metrics.ts';
import { failureKind, isCancelled, isFailure } from '../metrics/outcomes.ts';
import type { Rate } from '../metrics/rates.ts';
import type { SplitWeight } from '../metrics/weights.ts';
import type { Endpoint, ServiceEndpoints } from '../model/endpoints.ts';
import type { NamedMatch, StringMatch } from '../model/match.ts';
import type { Route } from '../model/route.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { CanaryOverlay } from '../resources/serin/canary.ts';

/** Body of `/api/v1/routes`. */
export interface RoutesReport {
  readonly revision: number;
  readonly routes: readonly RouteReport[];
  readonly tcpRoutes: readonly TcpRouteReport[];
}

/** What becomes of TCP connections to a port, or of those for one server name. */
export interface TcpRouteReport {
  readonly name: string;
  /** Null = the address given by --bind. */
  readonly address: string | null;
  readonly port: number;
  /** Server name (SNI); `*` = every connection that no other route of the port takes. */
  readonly host: string;
  readonly backends: readonly Omit<SplitWeight, 'route'>[];
}

/** One route; values of header and query conditions are not shown, they may be secrets. */
export interface RouteReport {
  readonly name: string;
  readonly host: string;
  readonly path: { readonly kind: string; readonly value: string };
  readonly method: string | null;
  readonly headers: readonly string[];
  readonly query: readonly string[];
  readonly action: 'split' | 'redirect' | 'respond' | 'blocked';
  readonly backends: readonly Omit<SplitWeight, 'route'>[];
}

/** Body of `/api/v1/services`. */
export interface ServicesReport {
  readonly services: readonly {
    readonly service: string;
    readonly state: string;
    readonly problem: string | null;
    readonly versions: readonly VersionReport[];
  }[];
}

/** One version of a service, over all routes that lead to it. Times in milliseconds, null before the first call. */
export interface VersionReport {
  readonly version: string;
  readonly roles: readonly string[];
  readonly endpoints: number;
  /** Calls that have ended. */
  readonly requests: number;
  readonly inFlight: number;
  /** Calls a second over the last 10 s. */
  readonly rate: number;
  /** Failed calls a second over the last 10 s. */
  readonly errorRate: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Calls that their clients gave up; they are not among the errors. */
  readonly cancelled: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
}

/** Body of `/api/v1/errors`. */
export interface ErrorsReport {
  readonly errors: number;
  readonly warnings: number;
  readonly issues: readonly {
    readonly severity: string;
    readonly code: string;
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly object: string | null;
    readonly message: string;
    readonly help: string | null;
    /** True when the last good state of the document is served. */
    readonly kept: boolean;
  }[];
}

/** Body of `/api/v1/splits`: the weights that commands can set. */
export interface SplitsReport {
  readonly splits: readonly SplitReport[];
}

/** A Canary, or a Mapping with a weight. Weights in percent. */
export interface SplitReport {
  readonly kind: string;
  readonly name: string;
  readonly weight: number;
  readonly specWeight: number;
  readonly overlay: CanaryOverlay | null;
}

/** Answer to a command. */
export interface SplitChangeReport {
  readonly kind: string;
  readonly name: string;
  readonly before: number;
  readonly weight: number;
  readonly overlay: CanaryOverlay | null;
}

/** Makes the routes' report. */
export function routesReport(snapshot: Snapshot, weights: readonly SplitWeight[]): RoutesReport {
  const byRoute = new Map<string, Omit<SplitWeight, 'route'>[]>();
  for (const { route, ...weight } of weights) {
    const list = byRoute.get(route);
    if (list === undefined) byRoute.set(route, [weight]);
    else list.push(weight);
  }
  const routes = [...snapshot.routes.values()].map((route) =>
    routeReport(route, byRoute.get(route.name) ?? []),
  );
  const tcpRoutes = snapshot.tcpRoutes.map(({ name, address, port, host }): TcpRouteReport => {
    return { name, address, port, host: host ?? '*', backends: byRoute.get(name) ?? [] };
  });
  return {
    revision: snapshot.revision,
    routes: routes.sort((a, b) => (a.name < b.name ? -1 : 1)),
    tcpRoutes,
  };
}

function routeReport(route: Route, backends: readonly Omit<SplitWeight, 'route'>[]): RouteReport {
  const { host, path, method, headers, query } = route.match;
  const names = (list: readonly NamedMatch[]) => list.map((m) => m.name);
  return {
    name: route.name,
    host:
      host.kind === 'any'
        ? '*'
        : host.kind === 'suffix'
          ? `*${host.value}`
          : host.kind === 'prefix'
            ? `${host.value}*`
            : host.value,
    path: { kind: path.kind, value: path.value },
    method: method === null ? null : stringText(method),
    headers: names(headers),
    query: names(query),
    action: route.blocked !== null ? 'blocked' : route.action.kind,
    backends: route.action.kind === 'split' ? backends : [],
  };
}

function stringText(match: StringMatch): string {
  return match.kind === 'regex' ? `~${match.value}` : match.value;
}

/** Makes the services' report: every service of the table, and whatever has counted calls. */
export function servicesReport(
  services: ReadonlyMap<string, ServiceEndpoints>,
  totals: readonly SeriesTotal[],
  rate: (labels: SeriesLabels) => Rate,
): ServicesReport {
  const groups = new Map<string, Map<string, SeriesTotal[]>>();
  const groupOf = (service: string, version: string): SeriesTotal[] => {
    const versions = groups.get(service) ?? new Map<string, SeriesTotal[]>();
    groups.set(service, versions);
    const list = versions.get(version) ?? [];
    versions.set(version, list);
    return list;
  };
  const byName = new Map<string, ServiceEndpoints[]>();
  for (const service of services.values()) {
    const name = service.service;
    byName.set(name, [...(byName.get(name) ?? []), service]);
    const versions =
      service.endpoints.length > 0 ? service.endpoints.map((e) => e.version) : [service.version];
    for (const version of versions) groupOf(name, version);
  }
  for (const total of totals) {
    if (total.labels.service !== '') groupOf(total.labels.service, total.labels.version).push(total);
  }
  return {
    services: [...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, versions]) => {
        // A service that is divided by versions has a row for each.
        const rows = byName.get(name) ?? [];
        const endpoints = rows.flatMap((row) => row.endpoints);
        return {
          service: name,
          state: rows[0]?.state ?? 'gone',
          problem: rows.find(({ problem }) => problem !== null)?.problem ?? null,
          versions: [...versions].map(([version, list]) => versionReport(version, list, endpoints, rate)),
        };
      }),
  };
}

function versionReport(
  version: string,
  series: readonly SeriesTotal[],
  endpoints: readonly Endpoint[],
  rate: (labels: SeriesLabels) => Rate,
): VersionReport {
  const errors: Record<string, number> = {};
  const sums = { requests: 0, inFlight: 0, rate: 0, errorRate: 0, cancelled: 0 };
  const duration = series[0]?.duration;
  for (const one of series) {
    sums.requests += one.ended;
    sums.inFlight += one.started - one.ended;
    const now = rate(one.labels);
    sums.rate += now.calls;
    sums.errorRate += now.failures;
    for (const [outcome, count] of one.outcomes) {
      if (isCancelled(outcome)) sums.cancelled += count;
      if (!isFailure(outcome)) continue;
      const kind = failureKind(outcome);
      errors[kind] = (errors[kind] ?? 0) + count;
    }
    // The totals are this request's own copies: merging into the first changes nothing that is kept.
    if (duration !== undefined && one.duration !== duration) duration.merge(one.duration);
  }
  const ms = (q: number) =>
    duration === undefined || duration.count === 0 ? null : duration.quantile(q) / 1000;
  return {
    version,
    roles: [...new Set(series.map((one) => one.labels.role))].sort(),
    endpoints: endpoints.filter((e) => e.version === version).length,
    ...sums,
    errors,
    p50: ms(0.5),
    p90: ms(0.9),
    p99: ms(0.99),
  };
}
