import type { ServiceBackend } from '../model/backend.ts';
import { endpointsKey, type ServiceEndpoints, type VersionSubset } from '../model/endpoints.ts';
import type { EndpointsPatch } from '../model/snapshot.ts';
import type { SplitMember } from '../model/split.ts';
import type { EndpointIndex } from './endpoint-index.ts';
import type { GroupMember } from './group.ts';
import { type EndpointRules, findEndpoints } from './service-endpoints.ts';
import { clusterOf } from './service-name.ts';

/** A service, or a version of one, as a group names it. */
export interface NamedService {
  readonly service: string;
  readonly subset: VersionSubset | null;
  /** host:port as the manifest writes it. */
  readonly spelling: string;
}

/** The services, and versions of them, to which a split leads. */
export function namedServices(
  split: { readonly members: readonly SplitMember<ServiceBackend>[] } | null,
  members: readonly GroupMember[],
): NamedService[] {
  const spellings = new Map<string, string[]>();
  for (const { mapping } of members) {
    const { service, serviceKey } = mapping;
    const spelling = service.host + serviceKey.slice(serviceKey.lastIndexOf(':'));
    spellings.set(serviceKey, [...(spellings.get(serviceKey) ?? []), spelling]);
  }
  const named = new Map<string, NamedService[]>();
  for (const member of split?.members ?? []) {
    if (member.kind !== 'backend') continue;
    const { service, subset = null } = member.backend;
    const list = (spellings.get(service) ?? []).map((spelling) => ({ service, subset, spelling }));
    named.set(endpointsKey(member.backend), list);
  }
  return [...named.values()].flat();
}

/** A row of the table, and how the manifests spell its service. */
interface NamedRow {
  readonly service: string;
  readonly subset: VersionSubset | null;
  /** Spelling → how often. */
  readonly spellings: Map<string, number>;
}

/** The endpoints of all services that some route names, brought up to date as routes and objects change. */
export class ServiceTable {
  readonly #rules: EndpointRules;
  readonly #index: EndpointIndex;
  readonly #named = new Map<string, NamedRow>();
  /** `namespace/name` → keys of rows that mean it. */
  readonly #byCluster = new Map<string, Set<string>>();
  readonly #touched = new Set<string>();
  #current: ReadonlyMap<string, ServiceEndpoints> = new Map();

  constructor(rules: EndpointRules, index: EndpointIndex) {
    this.#rules = rules;
    this.#index = index;
  }

  /** Counts a service of a group in (+1) or out (-1). */
  count({ service, subset, spelling }: NamedService, change: 1 | -1): void {
    const key = endpointsKey({ service, subset });
    const row = this.#named.get(key) ?? { service, subset, spellings: new Map<string, number>() };
    const { spellings } = row;
    const count = (spellings.get(spelling) ?? 0) + change;
    if (count > 0) spellings.set(spelling, count);
    else spellings.delete(spelling);
    if (spellings.size > 0) this.#named.set(key, row);
    else this.#named.delete(key);
    this.#touched.add(key);
    const cluster = clusterOf(service);
    if (cluster === null) return;
    const place = `${cluster.namespace}/${cluster.name}`;
    const keys = this.#byCluster.get(place) ?? new Set<string>();
    if (spellings.size > 0) keys.add(key);
    else keys.delete(key);
    if (keys.size > 0) this.#byCluster.set(place, keys);
    else this.#byCluster.delete(place);
  }

  /** Marks the service (`namespace/name`) that an object is about. */
  touch(place: string): void {
    for (const key of this.#byCluster.get(place) ?? []) this.#touched.add(key);
  }

  /** True if some route leads to a service (`namespace/name`). */
  isNamed(place: string): boolean {
    return this.#byCluster.has(place);
  }

  /** Looks up what was touched; returns the whole table and what changed in it. */
  refresh(): { services: ReadonlyMap<string, ServiceEndpoints>; patch: EndpointsPatch } {
    const set: ServiceEndpoints[] = [];
    const gone: string[] = [];
    for (const key of this.#touched) {
      const before = this.#current.get(key);
      const row = this.#named.get(key);
      if (row === undefined) {
        if (before !== undefined) gone.push(key);
        continue;
      }
      const found = findEndpoints(row, row.spellings.keys(), this.#rules, this.#index);
      const next = { ...found, everReady: before?.everReady === true || found.endpoints.length > 0 };
      if (before === undefined || JSON.stringify(before) !== JSON.stringify(next)) set.push(next);
    }
    this.#touched.clear();
    if (set.length > 0 || gone.length > 0) {
      const services = new Map(this.#current);
      for (const key of gone) services.delete(key);
      for (const service of set) services.set(endpointsKey(service), service);
      this.#current = services;
    }
    return { services: this.#current, patch: { set, delete: gone } };
  }
}
