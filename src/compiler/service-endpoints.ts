import type { Endpoint, ServiceEndpoints } from '../model/endpoints.ts';
import { isIpLiteral } from '../resources/ambassador/service-address.ts';
import type { EndpointIndex, Subset } from './endpoint-index.ts';
import { type ClusterName, canonicalKey, clusterName, splitKey } from './service-name.ts';

/** Addresses given by --resolve for one service. */
export interface ResolveRule {
  /** host:port as the user wrote it. */
  readonly service: string;
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
}

/**
 * The endpoints of one service: from --resolve, else an IP address in its name, else EndpointSlices, else an
 * Endpoints object; else it is `pending`, and somebody has to ask DNS. `spellings`: how the manifests write it.
 */
export function findEndpoints(
  key: string,
  spellings: Iterable<string>,
  rules: readonly ResolveRule[],
  index: EndpointIndex,
): Omit<ServiceEndpoints, 'everReady'> {
  const { host, port } = splitKey(key);
  const cluster = clusterName(host, 'default');
  const service = cluster === null ? null : index.service(cluster.namespace, cluster.name);
  const version = service?.selector.version ?? cluster?.name ?? host;
  const known = (
    endpoints: readonly Endpoint[],
    problem: string | null = null,
  ): Omit<ServiceEndpoints, 'everReady'> => {
    return { service: key, state: 'known', endpoints, version, problem };
  };
  const rule = findRule(key, spellings, rules);
  if (rule !== undefined)
    return known(rule.endpoints.map(({ address, port }) => ({ address, port, version })));
  if (isIpLiteral(host)) return known([{ address: host.replace(/^\[|\]$/g, ''), port, version }]);
  const subsets = cluster === null ? null : index.subsets(cluster.namespace, cluster.name);
  if (cluster === null || subsets === null)
    return { service: key, state: 'pending', endpoints: [], version, problem: null };
  const servicePort = service?.ports.find((candidate) => candidate.port === port);
  if (service !== null && servicePort === undefined && service.ports.length > 0) {
    return known([], `Service ${cluster.name}.${cluster.namespace} has no port ${port}`);
  }
  const endpoints = subsets.flatMap((subset) =>
    fromSubset(subset, servicePort?.name ?? null, port, cluster, index, version),
  );
  return known(
    endpoints,
    endpoints.length === 0 ? `no endpoint of ${cluster.name}.${cluster.namespace} is ready` : null,
  );
}

/** A subset's ports belong to its own addresses, and are found by the name of the Service's port. */
function fromSubset(
  subset: Subset,
  portName: string | null,
  port: number,
  cluster: ClusterName,
  index: EndpointIndex,
  version: string,
): Endpoint[] {
  const { ports } = subset;
  const named = portName === null ? undefined : ports.find(({ name }) => name === portName);
  // Without a Service object there is no name to go by: the number, or the only port.
  const guessed =
    portName === null
      ? (ports.find((item) => item.port === port) ?? (ports.length === 1 ? ports[0] : undefined))
      : undefined;
  const target = named ?? guessed;
  if (target === undefined) return [];
  return subset.ready.map(({ address, pod }) => {
    const own = pod === null ? null : index.podVersion(cluster.namespace, pod);
    return { address, port: target.port, version: own ?? version };
  });
}

/** A rule counts for its own spelling, for the manifest's, and for every spelling of the same Service. */
function findRule(
  key: string,
  spellings: Iterable<string>,
  rules: readonly ResolveRule[],
): ResolveRule | undefined {
  if (rules.length === 0) return undefined;
  const exact = rules.find(({ service }) => service === key);
  if (exact !== undefined) return exact;
  const written = new Set(spellings);
  const spelt = rules.find(({ service }) => written.has(service));
  if (spelt !== undefined) return spelt;
  const canonical = canonicalKey(key);
  return rules.find(({ service }) => canonicalKey(service) === canonical);
}
