import type { ListenerResource, ListenerStack } from '../resources/ambassador/listener.ts';
import { type Finding, finding } from '../resources/issue.ts';
import type { Resource } from '../resources/resource.ts';

/** True if a Listener's port is opened. Raw TCP and TLS (TCPMapping), and HTTP over UDP, are not there at all. */
export function servesStack({ http, udp }: ListenerStack): boolean {
  return http && !udp;
}

/** Warnings of what an object says in vain. @param hasHosts there are Hosts, which say what becomes of insecure requests. */
export function notServedFindings(resource: Resource | null, hasHosts: boolean): Finding[] {
  if (resource?.kind === 'Listener') return ofListener(resource);
  if (resource?.kind !== 'Module' || !hasHosts || !resource.redirectsInsecure) return [];
  const field = 'x_forwarded_proto_redirect';
  const values = { field: `config.${field}`, winner: 'requestPolicy of the Hosts' };
  return [finding('overridden-field', [...resource.configAt, field], values)];
}

function ofListener({ stack, protocolAt }: ListenerResource): Finding[] {
  if (servesStack(stack)) return [];
  return [finding('listener-not-served', protocolAt, { reason: `${stack.name} is not served yet` })];
}
