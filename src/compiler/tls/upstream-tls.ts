import type { UpstreamTls } from '../../model/tls.ts';
import { isIpLiteral } from '../../resources/ambassador/service-address.ts';
import type { GroupContext, GroupMember } from '../group.ts';
import { contextName, findContext } from './contexts.ts';

/**
 * TLS towards the service of a Mapping or TCPMapping. Sent as SNI is `sni` of the TLSContext, else host_rewrite, else the service's
 * host as it is written. (Ambassador sends none without `sni`, and many servers then show the wrong certificate.)
 */
export function upstreamTls(mapping: GroupMember['mapping'], context: GroupContext): UpstreamTls | null {
  const { tls, meta, service, hostRewrite } = mapping;
  if (tls === null) return null;
  const named =
    tls.context === null ? null : findContext(context.globals.tlsContexts, tls.context, meta.namespace);
  const name = (named?.settings.sni ?? withoutPort(hostRewrite) ?? service.host).replace(/^\[(.*)\]$/, '$1');
  return {
    context: named === null ? null : contextName(named),
    serverName: isIpLiteral(name) ? null : name,
    verifyName: context.verifyUpstreams ? name : null,
  };
}

/** True if the certificate of the service is verified: the TLSContext names an authority, or all are verified. */
export function isVerified({ tls, meta }: GroupMember['mapping'], context: GroupContext): boolean {
  if (context.verifyUpstreams || tls === null) return true;
  if (tls.context === null) return false;
  const settings = findContext(context.globals.tlsContexts, tls.context, meta.namespace)?.settings;
  return settings?.caSecret != null || settings?.caChainFile != null;
}

function withoutPort(authority: string | null): string | null {
  return authority === null ? null : authority.replace(/:\d+$/, '');
}
