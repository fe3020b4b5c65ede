/** The `service` of a Mapping, taken apart. */
export interface ServiceAddress {
  /** `http://` or `https://` in front, in lower case; null where there is none. */
  readonly scheme: 'http' | 'https' | null;
  /** Host as it was written, IPv6 in its brackets. */
  readonly host: string;
  readonly port: number | null;
  /** Path or query behind the host, which has no effect. */
  readonly path: string | null;
}

/** A service that cannot be read: another scheme, or words on what is wrong. */
export type ServiceProblem = { readonly scheme: string } | { readonly reason: string };

/** Reads `[scheme://]host[.namespace][:port]`. */
export function parseService(text: string): ServiceAddress | ServiceProblem {
  const schemed = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(text);
  const scheme = schemed?.[1]?.toLowerCase() ?? null;
  if (scheme !== null && scheme !== 'http' && scheme !== 'https') return { scheme };
  const rest = schemed?.[2] ?? text;
  const slash = rest.search(/[/?#]/);
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const path = slash === -1 || rest.slice(slash) === '/' ? null : rest.slice(slash);
  const parts = /^(\[[0-9A-Fa-f:.%A-Za-z]+\]|[^:[\]\s]+)(?::(.*))?$/.exec(authority);
  if (parts === null) return { reason: `"${authority}" is not host or host:port` };
  const port = parts[2] === undefined ? null : Number(parts[2]);
  if (port !== null && !(/^[0-9]+$/.test(parts[2]!) && port >= 1 && port <= 65535)) {
    return { reason: `"${parts[2]}" is not a port from 1 to 65535` };
  }
  return { scheme, host: parts[1]!, port, path };
}

/** True for an IPv4 address or an IPv6 one, with or without brackets. */
export function isIpLiteral(host: string): boolean {
  return (
    /^\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%25?[^\]]+)?\]?$/.test(host) ||
    /^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$/.test(host)
  );
}

/** The host with `.namespace` where it names none, as Kubernetes would look it up from a pod of that namespace. */
export function qualifyHost(host: string, namespace: string): string {
  return host.includes('.') || host.includes(':') || host === 'localhost' ? host : `${host}.${namespace}`;
}

/** Key of the endpoint table and label `service`: host with namespace, always with the port. */
export function serviceKey(address: ServiceAddress, namespace: string, tls: boolean): string {
  return `${qualifyHost(address.host, namespace)}:${address.port ?? (tls ? 443 : 80)}`;
}
