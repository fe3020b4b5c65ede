import { isIpLiteral } from '../resources/ambassador/service-address.ts';

/** A service of Kubernetes by name and namespace. */
export interface ClusterName {
  readonly name: string;
  readonly namespace: string;
}

/** Host and port of a service key or of a --resolve name. */
export function splitKey(key: string): { host: string; port: number } {
  const colon = key.lastIndexOf(':');
  return { host: key.slice(0, colon), port: Number(key.slice(colon + 1)) };
}

/**
 * The Kubernetes Service that a host can mean: `name.namespace`, `name.namespace.svc`, and the full name with the
 * cluster's domain. A name without a dot takes `namespace`. Null for an IP address and for other hosts.
 */
export function clusterName(host: string, namespace: string): ClusterName | null {
  if (isIpLiteral(host)) return null;
  const labels = host.replace(/\.$/, '').split('.');
  const name = labels[0]!;
  if (labels.length === 1) return { name, namespace };
  if (labels.length === 2 || labels[2] === 'svc') return { name, namespace: labels[1]! };
  return null;
}

/** True if a service's key, however it is spelt, means a port of a Service (`name.namespace`); null = any port. */
export function isPortOf(key: string, service: string, port: number | null): boolean {
  const { host, port: number } = splitKey(canonicalKey(key));
  return host === service && (port === null || port === number);
}

/** The Kubernetes Service that a service's key can mean; see {@link clusterName}. */
export function clusterOf(key: string): ClusterName | null {
  return clusterName(splitKey(key).host, 'default');
}

/** One spelling for all spellings of a service: `name.namespace:port` in lower case. */
export function canonicalKey(key: string): string {
  const { host, port } = splitKey(key);
  const cluster = clusterName(host, 'default');
  return `${(cluster === null ? host : `${cluster.name}.${cluster.namespace}`).toLowerCase()}:${port}`;
}
