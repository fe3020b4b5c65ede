import type { ServiceEndpoints } from '../model/endpoints.ts';
import type { EndpointsPatch } from '../model/snapshot.ts';
import type { EndpointIndex } from './endpoint-index.ts';
import type { GroupMember } from './group.ts';
import { type EndpointRules, findEndpoints } from './service-endpoints.ts';
import { clusterName, splitKey } from './service-name.ts';

/** A service as a group names it. */
export interface NamedService {
  readonly key: string;
  /** host:port as the manifest writes it. */
  readonly spelling: string;
}

/** The service of a Mapping or TCPMapping. */
export function nameService({ service, serviceKey }: GroupMember['mapping']): NamedService {
  const port = serviceKey.slice(serviceKey.lastIndexOf(':'));
  return { key: serviceKey, spelling: service.host + port };
}

/** The endpoints of all services that some route names, brought up to date as routes and objects change. */
export class ServiceTable {
  readonly #rules: EndpointRules;
  readonly #index: EndpointIndex;
  /** Service key → how it is spelt → how often. */
  readonly #named = new Map<string, Map<string, number>>();
  /** `namespace/name` → keys of services that mean it. */
  readonly #byCluster = new Map<string, Set<string>>();
  readonly #touched = new Set<string>();
  #current: ReadonlyMap<string, ServiceEndpoints> = new Map();

  constructor(rules: EndpointRules, index: EndpointIndex) {
    this.#rules = rules;
    this.#index = index;
  }

  /** Counts a service of a group in (+1) or out (-1). */
  count({ key, spelling }: NamedService, change: 1 | -1): void {
    const spellings = this.#named.get(key) ?? new Map<string, number>();
    const count = (spellings.get(spelling) ?? 0) + change;
    if (count > 0) spellings.set(spelling, count);
    else spellings.delete(spelling);
    if (spellings.size > 0) this.#named.set(key, spellings);
    else this.#named.delete(key);
    this.#touched.add(key);
    const cluster = clusterName(splitKey(key).host, 'default');
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

  /** Looks up what was touched; returns the whole table and what changed in it. */
  refresh(): { services: ReadonlyMap<string, ServiceEndpoints>; patch: EndpointsPatch } {
    const set: ServiceEndpoints[] = [];
    const gone: string[] = [];
    for (const key of this.#touched) {
      const before = this.#current.get(key);
      const spellings = this.#named.get(key);
      if (spellings === undefined) {
        if (before !== undefined) gone.push(key);
        continue;
      }
      const found = findEndpoints(key, spellings.keys(), this.#rules, this.#index);
      const next = { ...found, everReady: before?.everReady === true || found.endpoints.length > 0 };
      if (before === undefined || JSON.stringify(before) !== JSON.stringify(next)) set.push(next);
    }
    this.#touched.clear();
    if (set.length > 0 || gone.length > 0) {
      const services = new Map(this.#current);
      for (const key of gone) services.delete(key);
      for (const service of set) services.set(service.service, service);
      this.#current = services;
    }
    return { services: this.#current, patch: { set, delete: gone } };
  }
}
