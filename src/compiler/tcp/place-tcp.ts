import { isSameAddress } from '../../lib/cidr.ts';
import type { Listener } from '../../model/snapshot.ts';
import type { TcpRoute } from '../../model/tcp-route.ts';
import type { ListenerResource } from '../../resources/ambassador/listener.ts';
import { type FindingValues, finding } from '../../resources/issue.ts';
import type { UnitFinding } from '../group.ts';
import type { CompiledTcpGroup } from './tcp-table.ts';

/** Listeners with those that only TCPMappings need, and the routes with their listeners. */
export interface PlacedTcp {
  readonly listeners: readonly Listener[];
  readonly routes: readonly TcpRoute[];
  readonly findings: readonly UnitFinding[];
}

/**
 * Gives each TCP route its listener: the one that has its port already (where a TCPMapping with another address has none), else
 * one of its own, with or without a Listener resource for the port. --listen replaces the ports of HTTP only, so the ports
 * of TCPMappings stay. Of two that are for the same connections of a listener only the first has a route.
 * @param bind address of listeners that name none.
 */
export function placeTcp(
  groups: readonly CompiledTcpGroup[],
  http: readonly Listener[],
  resources: readonly ListenerResource[],
  bind: string,
): PlacedTcp {
  const listeners = [...http];
  const findings: UnitFinding[] = [];
  const routes: TcpRoute[] = [];
  const taken = new Map<string, string>();
  for (const { route, leader } of groups) {
    const { address, port, host, name } = route!;
    let listener = listeners.find(
      (one) => one.port === port && (address === null || isSameAddress(one.address ?? bind, address)),
    );
    if (listener === undefined) {
      listener = ownListener(address, port, resources);
      listeners.push(listener);
    }
    const tell = (code: 'listener-taken' | 'tcp-taken', field: string, values: FindingValues): void => {
      if (leader === null) return;
      const at = leader.object.resource?.kind === 'TCPMapping' ? leader.object.resource.at : [];
      findings.push({ unit: leader, finding: finding(code, [...at, field], values), kept: false });
    };
    const place = `${listener.name} ${host ?? '*'}`;
    const other = taken.get(place);
    if (other !== undefined) {
      // Only with `address` can two groups come to one place: without it they are one group.
      const what = host === null ? '' : ` for ${host}`;
      tell('tcp-taken', 'address', { what, port, address: listener.address ?? bind, other, mapping: name });
      continue;
    }
    taken.set(place, name);
    if (listener.protocol !== 'tcp' && host === null) tell('listener-taken', 'port', { port, mapping: name });
    routes.push({ ...route!, listener: listener.name });
  }
  return { listeners, routes, findings };
}

function ownListener(address: string | null, port: number, resources: readonly ListenerResource[]): Listener {
  return {
    name: address === null ? `tcp:${port}` : `tcp:${address}:${port}`,
    address,
    port,
    protocol: 'tcp',
    securityModel: 'xfp',
    trustedHops: 0,
    proxyProtocol: resources.some((one) => one.port === port && one.stack.proxy),
    virtualHosts: null,
  };
}
