import type { Command } from 'commander';
import type { ServiceBackend } from '../../model/backend.ts';
import type { HostMatch, NamedMatch } from '../../model/match.ts';
import type { Route } from '../../model/route.ts';
import type { Split } from '../../model/split.ts';
import type { TcpRoute } from '../../model/tcp-route.ts';
import { compareRoutes } from '../../routing/path-index.ts';
import { loadManifests, type ManifestOptions } from '../load-manifests.ts';
import { failCall, manifestCommand } from '../manifest-command.ts';
import { formatObjects, formatTable, type OutputFormat, percent, print } from '../output.ts';

/** `serin routes`: the compiled routes in the order in which they are tried, those of TCP last, with effective shares. */
export function routesCommand(): Command {
  const text = 'show the compiled routes with the effective share of every backend';
  return manifestCommand('routes', text, 'serin routes examples/hello-grpc').action(routes);
}

async function routes(
  paths: readonly string[],
  options: ManifestOptions & { output: OutputFormat },
): Promise<void> {
  try {
    const { snapshot, issues } = await loadManifests(paths, options);
    const rows = [
      ...[...snapshot.routes.values()].sort(compareRoutes).map(describeRoute),
      ...snapshot.tcpRoutes.map(describeTcpRoute),
    ];
    if (options.output !== 'table') print(formatObjects(rows, options.output));
    else if (rows.length === 0) print('no routes (serin check says why)');
    else
      print(
        formatTable(
          ['ROUTE', 'HOST', 'PATH', 'CONDITIONS', 'SHARE', 'ROLE', 'SERVICE'],
          rows.flatMap(tableRows),
        ),
      );
    if (issues.some(({ severity }) => severity === 'error')) process.exitCode = 1;
  } catch (error) {
    failCall(error);
  }
}

/** A share of a route, in words for people and programs. */
interface ShareRow {
  readonly service: string | null;
  /** Where a Canary divides the service: the version that this share is for. */
  readonly version?: string;
  readonly share: number;
  readonly role: string;
  readonly mapping: string | null;
}

/** A route as `routes -o json` prints it. */
export interface RouteRow {
  readonly route: string;
  readonly host: string;
  readonly path: string;
  readonly conditions: readonly string[];
  readonly virtualHosts: readonly string[] | null;
  readonly blocked: string | null;
  readonly backends: readonly ShareRow[];
}

/** The route of a TCPMapping as `routes -o json` prints it. */
interface TcpRouteRow {
  readonly route: string;
  readonly tcp: { readonly address: string | null; readonly port: number };
  /** Server name (SNI), or `*`. */
  readonly host: string;
  readonly backends: readonly ShareRow[];
}

/** Describes a route for printing. */
export function describeRoute(route: Route): RouteRow {
  const { path, host, method, headers, query } = route.match;
  const conditions = [
    ...(method === null ? [] : [`method ${method.kind === 'regex' ? `~ ${method.value}` : method.value}`]),
    ...headers.map((match) => `header ${describeNamed(match)}`),
    ...query.map((match) => `query ${describeNamed(match)}`),
  ];
  const mark = { prefix: `${path.value}*`, exact: path.value, regex: `~ ${path.value}` }[path.kind];
  return {
    route: route.name,
    host: describeHost(host),
    path:
      path.ignoreCase === 'only' ? `${mark} (another case)` : path.ignoreCase ? `${mark} (any case)` : mark,
    conditions,
    virtualHosts: route.virtualHosts,
    blocked: route.blocked?.message ?? null,
    backends: describeAction(route),
  };
}

function describeTcpRoute({ name, address, port, host, split }: TcpRoute): TcpRouteRow {
  return { route: name, tcp: { address, port }, host: host ?? '*', backends: describeSplit(split) };
}

function describeAction({ action }: Route): ShareRow[] {
  if (action.kind === 'redirect')
    return [{ service: null, share: 1, role: `redirect ${action.redirect.status}`, mapping: null }];
  if (action.kind === 'respond')
    return [{ service: null, share: 1, role: `answer ${action.response.status}`, mapping: null }];
  return describeSplit(action.split);
}

function describeSplit({ denominator, members }: Split<ServiceBackend>): ShareRow[] {
  return members.map((member): ShareRow => {
    const share = member.share / denominator;
    if (member.kind === 'backend') {
      const { service, subset, name } = member.backend;
      const version = subset == null ? {} : { version: subset.value };
      return { service, ...version, share, role: member.role, mapping: name };
    }
    const role = member.kind === 'next' ? 'next route' : `answer ${member.response.status}`;
    return { service: null, share, role, mapping: null };
  });
}

function tableRows(row: RouteRow | TcpRouteRow): string[][] {
  const head =
    'tcp' in row
      ? [row.route, row.host, `tcp ${row.tcp.address ?? ''}:${row.tcp.port}`, '']
      : [
          row.blocked === null ? row.route : `${row.route} (blocked)`,
          row.host,
          row.path,
          row.conditions.join(', '),
        ];
  return row.backends.map(({ service, version, share, role }, index) => {
    const shown = index === 0 ? head : ['', '', '', ''];
    return [
      ...shown,
      percent(share),
      role,
      version === undefined ? (service ?? '') : `${service} ${version}`,
    ];
  });
}

function describeHost(host: HostMatch): string {
  if (host.kind === 'any') return '*';
  return { exact: host.value, suffix: `*${host.value}`, prefix: `${host.value}*`, regex: `~ ${host.value}` }[
    host.kind
  ];
}

function describeNamed({ name, test }: NamedMatch): string {
  if (test.kind === 'present') return name;
  return test.kind === 'exact' ? `${name}: ${test.value}` : `${name} ~ ${test.value}`;
}
