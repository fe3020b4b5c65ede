import type { Endpoint, ServiceEndpoints, VersionSubset } from '../model/endpoints.ts';
import { isIpLiteral } from '../resources/ambassador/service-address.ts';
import type { EndpointAddress } from '../resources/kubernetes/endpoint-slice.ts';
import type { Service } from '../resources/kubernetes/service.ts';
import type { EndpointIndex, Subset } from './endpoint-index.ts';
import { type ClusterName, canonicalKey, clusterName, splitKey } from './service-name.ts';

/** Addresses given by --resolve for one service. */
export interface ResolveRule {
  /** host:port as the user wrote it. */
  readonly service: string;
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
}

/** How endpoints are found. */
export interface EndpointRules {
  /** Endpoints of services outside a cluster (--resolve). */
  readonly resolve: readonly ResolveRule[];
  /** True where the objects of a cluster are followed: a name that is one of its Services never goes to DNS. */
  readonly inCluster: boolean;
  /** Zone of the gateway, for topology hints; null = hints are passed over. */
  readonly zone: string | null;
  /** Why an address may not be a backend (--allow-backend); null = it may. */
  readonly refuses: (address: string) => string | null;
}

type Found = Omit<ServiceEndpoints, 'everReady'>;

/**
 * The endpoints of one service: from --resolve, else an IP address in its name, else EndpointSlices, else an
 * Endpoints object; else it is `pending`, and somebody has to ask DNS. `spellings`: how the manifests write it. Versions
 * are told by pods only: where none is known, all endpoints are of production.
 */
export function findEndpoints(
  { service: key, subset }: { readonly service: string; readonly subset: VersionSubset | null },
  spellings: Iterable<string>,
  rules: EndpointRules,
  index: EndpointIndex,
): Found {
  const { host, port } = splitKey(key);
  const cluster = clusterName(host, 'default');
  const service = cluster === null ? null : index.service(cluster.namespace, cluster.name);
  const version = service?.selector.version ?? cluster?.name ?? host;
  const base = { service: key, ...(subset === null ? {} : { subset }), version: subset?.value ?? version };
  const known = (endpoints: readonly Endpoint[], problem: string | null = null): Found => {
    return { ...base, state: 'known', endpoints, problem };
  };
  const inPods = subset !== null && subset.elseNot === null;
  const unknown = `the pods of ${host} are not known, and so neither are its versions`;
  const rule = findRule(key, spellings, rules.resolve);
  if (inPods && (rule !== undefined || cluster === null)) return known([], unknown);
  if (rule !== undefined)
    return known(rule.endpoints.map(({ address, port }) => ({ address, port, version })));
  if (isIpLiteral(host)) {
    const address = host.replace(/^\[|\]$/g, '');
    const refusal = rules.refuses(address);
    return refusal === null ? known([{ address, port, version }]) : known([], refusal);
  }
  if (cluster === null) return { ...base, state: 'pending', endpoints: [], problem: null };
  if (service !== null && service.externalName !== null && !inPods)
    return { ...base, state: 'pending', lookup: service.externalName, endpoints: [], problem: null };
  const subsets = index.subsets(cluster.namespace, cluster.name);
  if (inPods && subsets === null) return known([], unknown);
  if (subsets === null && !(rules.inCluster && service !== null))
    return { ...base, state: 'pending', endpoints: [], problem: null };
  return ofCluster({ cluster, service, port, version, subset }, subsets ?? [], rules, index, known);
}

/** A Service's port that calls are for. */
interface Target {
  readonly cluster: ClusterName;
  readonly service: Service | null;
  readonly port: number;
  readonly version: string;
  readonly subset: VersionSubset | null;
}

function ofCluster(
  target: Target,
  subsets: readonly Subset[],
  rules: EndpointRules,
  index: EndpointIndex,
  known: (endpoints: readonly Endpoint[], problem?: string | null) => Found,
): Found {
  const { cluster, service, port } = target;
  const name = `${cluster.name}.${cluster.namespace}`;
  const servicePort = service?.ports.find((candidate) => candidate.port === port);
  if (service !== null && servicePort === undefined && service.ports.length > 0 && !service.headless)
    return known([], `Service ${name} has no port ${port}`);
  const isMeant = podFilter(target, subsets, index);
  const find = (part: 'ready' | 'draining'): Endpoint[] => {
    const found = subsets.flatMap((subset) => {
      const number = portOf(subset, servicePort?.name ?? null, target);
      return number === null ? [] : [{ family: subset.family, port: number, addresses: subset[part] }];
    });
    return makeEndpoints(found, target, rules, index, isMeant);
  };
  const ready = find('ready');
  // All of them are going: what still serves is better than nothing.
  const endpoints = ready.length > 0 ? ready : find('draining');
  const refused = endpoints.map(({ address }) => rules.refuses(address)).find((reason) => reason !== null);
  const allowed =
    refused == null ? endpoints : endpoints.filter((item) => rules.refuses(item.address) === null);
  const { subset } = target;
  const which = subset === null ? '' : ` with ${subset.label}=${subset.value}`;
  return known(allowed, allowed.length > 0 ? null : (refused ?? `no endpoint of ${name}${which} is ready`));
}

/** Which pods are of the version that is meant. */
function podFilter(
  { cluster, subset }: Target,
  subsets: readonly Subset[],
  index: EndpointIndex,
): (pod: string | null) => boolean {
  if (subset === null) return () => true;
  const { label, value, elseNot } = subset;
  const valueOf = (pod: string | null): string | undefined =>
    pod === null ? undefined : index.podLabels(cluster.namespace, pod)?.[label];
  if (elseNot === null) return (pod) => valueOf(pod) === value;
  const all = subsets.flatMap(({ ready, draining, unready }) => [...ready, ...draining, ...unready]);
  const exists = all.some(({ pod }) => valueOf(pod) === value);
  return exists ? (pod) => valueOf(pod) === value : (pod) => valueOf(pod) !== elseNot;
}

/** The number that a Service's port has on a subset's addresses; null: these do not have it. */
function portOf({ ports }: Subset, portName: string | null, { service, port }: Target): number | null {
  if (portName !== null) return ports.find(({ name }) => name === portName)?.port ?? null;
  // A headless Service's name means its pods: a port that it does not list is the number itself.
  if (service?.headless) return port;
  // Without a Service object there is no name to go by: the number, or the only port.
  return (
    (ports.find((item) => item.port === port) ?? (ports.length === 1 ? ports[0] : undefined))?.port ?? null
  );
}

interface FoundAddresses {
  readonly family: Subset['family'];
  readonly port: number;
  readonly addresses: readonly EndpointAddress[];
}

/**
 * One endpoint for each pod: a dual-stack Service has a slice for each family, of which the Service's first is used where it has
 * any, and while slices are being rearranged an address can stand in two of them.
 */
function makeEndpoints(
  found: readonly FoundAddresses[],
  { cluster, service, version, subset }: Target,
  { zone }: EndpointRules,
  index: EndpointIndex,
  isMeant: (pod: string | null) => boolean,
): Endpoint[] {
  const filled = found
    .map((item) => ({ ...item, addresses: item.addresses.filter(({ pod }) => isMeant(pod)) }))
    .filter(({ addresses }) => addresses.length > 0);
  const preferred = service?.families.find((family) => filled.some((item) => item.family === family));
  const family = preferred ?? filled.find((item) => item.family !== null)?.family ?? null;
  const endpoints = new Map<string, { endpoint: Endpoint; zones: readonly string[] | null }>();
  for (const item of filled) {
    if (family !== null && item.family !== null && item.family !== family) continue;
    for (const { address, pod, zones } of item.addresses) {
      const own = pod === null ? null : versionOf(cluster.namespace, pod, subset, index);
      const endpoint = { address, port: item.port, version: own ?? version };
      endpoints.set(`${address} ${item.port}`, { endpoint, zones });
    }
  }
  return near([...endpoints.values()], zone).map(({ endpoint }) => endpoint);
}

/** What a pod's calls are counted under: the label that the split goes by, else what tells its release. */
function versionOf(
  namespace: string,
  pod: string,
  subset: VersionSubset | null,
  index: EndpointIndex,
): string | null {
  const labelled = subset === null ? undefined : index.podLabels(namespace, pod)?.[subset.label];
  return labelled ?? index.podVersion(namespace, pod);
}

/** Those hinted for the zone, if each endpoint has a hint and some are for it; else all (as kube-proxy, KEP-2433). */
function near<T extends { readonly zones: readonly string[] | null }>(all: T[], zone: string | null): T[] {
  if (zone === null || all.some(({ zones }) => zones === null)) return all;
  const here = all.filter(({ zones }) => zones!.includes(zone));
  return here.length > 0 ? here : all;
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
