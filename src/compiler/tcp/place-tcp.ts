import type { Listener } from '../../model/snapshot.ts';
import type { TcpRoute } from '../../model/tcp-route.ts';
import type { ListenerResource } from '../../resources/ambassador/listener.ts';
import { finding } from '../../resources/issue.ts';
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
 * of TCPMappings stay.
 */
export function placeTcp(
  groups: readonly CompiledTcpGroup[],
  http: readonly Listener[],
  resources: readonly ListenerResource[],
): PlacedTcp {
  const listeners = [...http];
  const findings: UnitFinding[] = [];
  const routes = groups.map(({ route, leader }): TcpRoute => {
    const { address, port, host, name } = route!;
    let listener = listeners.find(
      (one) => one.port === port && (address === null || one.address === address),
    );
    if (listener === undefined) {
      listener = ownListener(address, port, resources);
      listeners.push(listener);
    }
    if (listener.protocol !== 'tcp' && host === null && leader !== null) {
      const at = leader.object.resource?.kind === 'TCPMapping' ? leader.object.resource.at : [];
      const found = finding('listener-taken', [...at, 'port'], { port, mapping: name });
      findings.push({ unit: leader, finding: found, kept: false });
    }
    return { ...route!, listener: listener.name };
  });
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
