import type { ListenerResource, ListenerStack } from '../resources/ambassador/listener.ts';
import type { ModuleResource } from '../resources/ambassador/module.ts';
import { type Finding, finding } from '../resources/issue.ts';
import type { Resource } from '../resources/resource.ts';

/** What {@link notServedFindings} has to know of the others. */
export interface NotServedContext {
  /** There are Hosts, which say what becomes of insecure requests. */
  readonly hasHosts: boolean;
  /** Ports that TCPMappings name. */
  readonly tcpPorts: ReadonlySet<number>;
  /** The ports of HTTP are those of Listeners, which say themselves whether they demand PROXY headers. */
  readonly usesListeners: boolean;
}

/** True if HTTP is served on a Listener's port. HTTP over UDP is not there at all. */
export function servesHttp({ http, udp }: ListenerStack): boolean {
  return http && !udp;
}

/** Warnings of what an object says in vain. */
export function notServedFindings(resource: Resource | null, context: NotServedContext): Finding[] {
  if (resource?.kind === 'Listener') return ofListener(resource, context.tcpPorts);
  return resource?.kind === 'Module' ? ofModule(resource, context) : [];
}

function ofModule(module: ModuleResource, { hasHosts, usesListeners }: NotServedContext): Finding[] {
  const found: Finding[] = [];
  const overridden = (field: string, winner: string): void => {
    found.push(
      finding('overridden-field', [...module.configAt, field], { field: `config.${field}`, winner }),
    );
  };
  if (hasHosts && module.redirectsInsecure) {
    overridden('x_forwarded_proto_redirect', 'requestPolicy of the Hosts');
  }
  if (usesListeners && module.proxyProtocol) overridden('use_proxy_proto', 'protocolStack of the Listeners');
  return found;
}

function ofListener({ stack, port, protocolAt }: ListenerResource, tcpPorts: ReadonlySet<number>): Finding[] {
  if (stack.udp)
    return [finding('listener-not-served', protocolAt, { reason: `${stack.name} is not served yet` })];
  if (stack.http || tcpPorts.has(port)) return [];
  return [finding('listener-without-tcp', protocolAt, { stack: stack.name, port })];
}
