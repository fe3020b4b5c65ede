import type { ListenerResource, ListenerStack } from '../resources/ambassador/listener.ts';
import { type Finding, finding } from '../resources/issue.ts';
import type { Resource } from '../resources/resource.ts';

/** What {@link notServedFindings} has to know of the others. */
export interface NotServedContext {
  /** There are Hosts, which say what becomes of insecure requests. */
  readonly hasHosts: boolean;
  /** Ports that TCPMappings name. */
  readonly tcpPorts: ReadonlySet<number>;
}

/** True if HTTP is served on a Listener's port. HTTP over UDP is not there at all. */
export function servesHttp({ http, udp }: ListenerStack): boolean {
  return http && !udp;
}

/** Warnings of what an object says in vain. */
export function notServedFindings(
  resource: Resource | null,
  { hasHosts, tcpPorts }: NotServedContext,
): Finding[] {
  if (resource?.kind === 'Listener') return ofListener(resource, tcpPorts);
  if (resource?.kind !== 'Module' || !hasHosts || !resource.redirectsInsecure) return [];
  const field = 'x_forwarded_proto_redirect';
  const values = { field: `config.${field}`, winner: 'requestPolicy of the Hosts' };
  return [finding('overridden-field', [...resource.configAt, field], values)];
}

function ofListener({ stack, port, protocolAt }: ListenerResource, tcpPorts: ReadonlySet<number>): Finding[] {
  if (stack.udp)
    return [finding('listener-not-served', protocolAt, { reason: `${stack.name} is not served yet` })];
  if (stack.http || tcpPorts.has(port)) return [];
  return [finding('listener-without-tcp', protocolAt, { stack: stack.name, port })];
}
