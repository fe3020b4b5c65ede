import type { AmbassadorResource } from '../resources/ambassador/kinds.ts';
import type { ListenerResource, ListenerStack } from '../resources/ambassador/listener.ts';
import { type Finding, finding } from '../resources/issue.ts';
import type { Resource } from '../resources/resource.ts';

/**
 * What the compiler puts into the model and the data plane does not serve yet. The only place that knows of it: with
 * all of them true this file, and each use of it, can go.
 */
export const served: Readonly<
  Record<'listenerTls' | 'upstreamTls' | 'proxyProtocol' | 'trustedHops', boolean>
> = {
  /** TLS on Listeners, and with it client certificates: until then Listeners with TLS are not opened, and routes that a client certificate guards are blocked. */
  listenerTls: false,
  /** TLS to upstreams. */
  upstreamTls: false,
  /** PROXY protocol headers: until then Listeners that demand them are not opened. */
  proxyProtocol: false,
  /** l7Depth of Listeners. */
  trustedHops: false,
};

/** True if a Listener's port is opened. Raw TCP and TLS (TCPMapping), and HTTP over UDP, are not there at all. */
export function servesStack({ http, tls, proxy, udp }: ListenerStack): boolean {
  return http && !udp && (!tls || served.listenerTls) && (!proxy || served.proxyProtocol);
}

/** Warnings of what an object says in vain. */
export function notServedFindings(resource: Resource | null): Finding[] {
  switch (resource?.kind) {
    case 'Listener':
      return ofListener(resource);
    case 'Host':
    case 'TLSContext':
    case 'TlsModule':
      return served.listenerTls ? [] : ofTls(resource);
    default:
      return [];
  }
}

function ofListener({ stack, protocolAt, l7Depth }: ListenerResource): Finding[] {
  const found: Finding[] = [];
  if (!servesStack(stack))
    found.push(finding('listener-not-served', protocolAt, { reason: `${stack.name} is not served yet` }));
  if (l7Depth > 0 && !served.trustedHops)
    found.push(finding('field-not-served', [...protocolAt.slice(0, -1), 'l7Depth'], { field: 'l7Depth' }));
  return found;
}

function ofTls(
  resource: Extract<AmbassadorResource, { kind: 'Host' | 'TLSContext' | 'TlsModule' }>,
): Finding[] {
  if (resource.kind === 'TlsModule') return [finding('kind-not-served', [], { kind: 'Module tls' })];
  if (resource.kind === 'TLSContext')
    return [finding('kind-not-served', [], { kind: `TLSContext ${resource.meta.name}` })];
  const { tls } = resource;
  if (tls === null) return [];
  const fields = [
    tls.secret === null ? null : 'tlsSecret',
    tls.context === null ? null : 'tlsContext',
    tls.settings === null ? null : 'tls',
  ];
  return fields
    .filter((field) => field !== null)
    .map((field) => finding('field-not-served', [...tls.at, field], { field }));
}
