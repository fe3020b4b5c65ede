import type { ServiceBackend } from '../model/backend.ts';
import { endpointsKey, type ServiceEndpoints } from '../model/endpoints.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { type Split, type SplitMember, takingShares } from '../model/split.ts';

/** The share that a version of a backend gets of its route's calls, after what the endpoints change about it. */
export interface SplitWeight {
  readonly route: string;
  readonly service: string;
  readonly version: string;
  readonly role: string;
  /** Object that the backend comes from, `name.namespace`. */
  readonly mapping: string;
  /** 0 to 1. */
  readonly share: number;
}

type BackendMember = Extract<SplitMember<ServiceBackend>, { kind: 'backend' }>;

/**
 * Effective shares of every split: a canary without a ready endpoint has passed its share to stable, and inside a service each
 * version has the part of its endpoints.
 */
export function splitWeights(
  snapshot: Snapshot,
  services: ReadonlyMap<string, ServiceEndpoints>,
): SplitWeight[] {
  const out: SplitWeight[] = [];
  for (const route of snapshot.routes.values()) {
    // A group's second route has the same members under the same labels: what is shown is the split of the group's own paths.
    if (route.action.kind !== 'split' || route.match.path.ignoreCase === 'only') continue;
    out.push(...weightsOf(route.name, route.action.split, services));
  }
  for (const { name, split } of snapshot.tcpRoutes) out.push(...weightsOf(name, split, services));
  return out;
}

function weightsOf(
  route: string,
  split: Split<ServiceBackend>,
  services: ReadonlyMap<string, ServiceEndpoints>,
): SplitWeight[] {
  const out: SplitWeight[] = [];
  for (const { member, share } of effectiveShares(split, services)) {
    const { backend, role } = member;
    for (const [version, part] of versionsOf(services.get(endpointsKey(backend)))) {
      const { service, name: mapping } = backend;
      out.push({ route, service, version, role, mapping, share: share * part });
    }
  }
  return out;
}

function effectiveShares(
  split: Split<ServiceBackend>,
  services: ReadonlyMap<string, ServiceEndpoints>,
): { member: BackendMember; share: number }[] {
  const { members, denominator } = split;
  const taking = takingShares(members);
  const takers = taking.reduce((a, b) => a + b, 0);
  const diverts = ({ role, backend }: BackendMember): boolean =>
    role === 'canary' &&
    backend.onEmpty === 'divert' &&
    takers > 0 &&
    isEmpty(services.get(endpointsKey(backend)));
  const backends = members.flatMap((member, at) =>
    member.kind === 'backend' ? [{ member, taking: taking[at]! }] : [],
  );
  const diverted = backends.reduce((sum, { member }) => sum + (diverts(member) ? member.share : 0), 0);
  return backends.map(({ member, taking: part }) => {
    if (diverts(member)) return { member, share: 0 };
    const extra = takers > 0 ? (diverted * part) / takers : 0;
    return { member, share: (member.share + extra) / denominator };
  });
}

function isEmpty(service: ServiceEndpoints | undefined): boolean {
  return service !== undefined && service.state !== 'pending' && service.endpoints.length === 0;
}

/** Each version of a service and its part of the endpoints; the service's own version when it has none. */
function versionsOf(service: ServiceEndpoints | undefined): Map<string, number> {
  const parts = new Map<string, number>();
  if (service === undefined || service.endpoints.length === 0) return parts.set(service?.version ?? '', 1);
  for (const endpoint of service.endpoints) {
    parts.set(endpoint.version, (parts.get(endpoint.version) ?? 0) + 1 / service.endpoints.length);
  }
  return parts;
}
