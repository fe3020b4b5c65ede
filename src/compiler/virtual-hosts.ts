import type { HostMatch } from '../model/match.ts';
import type { Listener, VirtualHost } from '../model/snapshot.ts';
import { type Host, selects } from '../resources/ambassador/host.ts';
import type { ListenerResource } from '../resources/ambassador/listener.ts';
import { globHost, type MappingMatch } from '../resources/ambassador/mapping-match.ts';
import type { ModuleHttp } from '../resources/ambassador/module-http.ts';
import type { TlsContextResource } from '../resources/ambassador/tls-context.ts';
import { servesHttp } from './not-served.ts';

/** What there is where nobody wrote a Host: everything, in cleartext. */
export const impliedVirtualHost: VirtualHost = { name: '*', hostname: '*', insecureAction: 'route' };

/** Name of a Host's virtual host. */
export function virtualHostName(host: Host): string {
  return `${host.meta.name}.${host.meta.namespace}`;
}

/**
 * Virtual hosts of the Hosts, by name. Without a Host it is redirect_cleartext_from of the TLSContexts that says what
 * becomes of cleartext requests, as it was before there were Hosts; and x_forwarded_proto_redirect of the Module.
 */
export function makeVirtualHosts(
  hosts: readonly Host[],
  tlsContexts: readonly TlsContextResource[],
  redirectsInsecure: boolean,
): VirtualHost[] {
  if (hosts.length === 0) {
    const redirects =
      redirectsInsecure || tlsContexts.some((one) => one.hosts.length > 0 && one.settings.redirectsCleartext);
    return [redirects ? { ...impliedVirtualHost, insecureAction: 'redirect' } : impliedVirtualHost];
  }
  return hosts
    .map((host) => ({
      name: virtualHostName(host),
      hostname: host.hostname,
      insecureAction: host.insecureAction,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The virtual hosts that a Mapping belongs to (reference 2.5, association): hostnames must overlap where the
 * Mapping has one, and labels must match where the Host has a selector; a Mapping without hostname belongs only
 * where a selector takes it. Null = all, because there is no Host.
 */
export function associate(
  match: MappingMatch,
  labels: Readonly<Record<string, string>>,
  hosts: readonly Host[],
): readonly string[] | null {
  if (hosts.length === 0) return match.hostGiven ? null : [];
  const names: string[] = [];
  for (const host of hosts) {
    const { selector } = host;
    if (selector !== null && !selects(selector, labels)) continue;
    if (match.hostGiven ? overlaps(match.route.host, globHost(host.hostname)) : selector !== null) {
      names.push(virtualHostName(host));
    }
  }
  return names.sort();
}

/** True if some hostname could match both. An expression could match anything. */
export function overlaps(a: HostMatch, b: HostMatch): boolean {
  if (a.kind === 'any' || b.kind === 'any' || a.kind === 'regex' || b.kind === 'regex') return true;
  const x = a.value.toLowerCase();
  const y = b.value.toLowerCase();
  if (a.kind === 'exact') return accepts(b.kind, y, x);
  if (b.kind === 'exact') return accepts(a.kind, x, y);
  if (a.kind !== b.kind) return true;
  return a.kind === 'suffix' ? x.endsWith(y) || y.endsWith(x) : x.startsWith(y) || y.startsWith(x);
}

function accepts(kind: 'exact' | 'suffix' | 'prefix', value: string, host: string): boolean {
  if (kind === 'exact') return value === host;
  return host.length > value.length && (kind === 'suffix' ? host.endsWith(value) : host.startsWith(value));
}

/** Address and port of --listen. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Listeners of HTTP: those of --listen in place of all others, else the Listener resources, else `fallback`.
 * @param module whose hops are those of Listeners without l7Depth, and whose use_proxy_proto is for the others.
 * @param terminatesTls some context terminates TLS: then the ports that no Listener resource describes take it, too.
 */
export function makeListeners(
  resources: readonly ListenerResource[],
  hosts: readonly Host[],
  listen: readonly ListenAddress[],
  fallback: ListenAddress,
  terminatesTls: boolean,
  module: Pick<ModuleHttp, 'trustedHops' | 'proxyProtocol'> | null,
): Listener[] {
  const trustedHops = module?.trustedHops ?? 0;
  if (listen.length > 0 || resources.length === 0) {
    const implied = {
      protocol: terminatesTls ? ('https' as const) : ('http' as const),
      securityModel: 'xfp' as const,
      trustedHops,
      proxyProtocol: module?.proxyProtocol ?? false,
      virtualHosts: null,
    };
    return (listen.length > 0 ? listen : [fallback]).map(({ address, port }) => {
      return { ...implied, name: `${address}:${port}`, address, port };
    });
  }
  const byPort = new Map<number, Listener>();
  for (const { meta, port, from, selector, stack, securityModel, l7Depth } of resources) {
    if (!servesHttp(stack) || byPort.has(port)) continue;
    const bound = hosts.filter((host) => {
      return (
        (from === 'all' || host.meta.namespace === meta.namespace) &&
        (selector === null || selects(selector, host.meta.labels))
      );
    });
    const virtualHosts = bound.length === hosts.length ? null : bound.map(virtualHostName).sort();
    byPort.set(port, {
      name: `${meta.name}.${meta.namespace}`,
      address: null,
      port,
      protocol: stack.tls ? 'https' : 'http',
      securityModel,
      trustedHops: l7Depth > 0 ? l7Depth : trustedHops,
      proxyProtocol: stack.proxy,
      virtualHosts,
    });
  }
  return [...byPort.values()];
}
