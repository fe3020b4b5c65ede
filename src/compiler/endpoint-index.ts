import type { EndpointAddress, NamedPort } from '../resources/kubernetes/endpoint-slice.ts';
import type { Service } from '../resources/kubernetes/service.ts';
import { compareUnits, resourceOf, type Unit } from './unit.ts';

/** Addresses with the ports that belong to them. */
export interface Subset {
  readonly ports: readonly NamedPort[];
  readonly ready: readonly EndpointAddress[];
  readonly family: 'IPv4' | 'IPv6' | null;
  /** Addresses that are going and still serve. */
  readonly draining: readonly EndpointAddress[];
  /** All others. */
  readonly unready: readonly EndpointAddress[];
}

/** What Kubernetes objects say of one service. */
interface ServiceObjects {
  readonly services: Set<Unit>;
  readonly slices: Set<Unit>;
  readonly endpoints: Set<Unit>;
}

/** Kubernetes objects by the service that they are about, kept as objects come and go. */
export class EndpointIndex {
  readonly #services = new Map<string, ServiceObjects>();
  readonly #pods = new Map<string, Set<Unit>>();
  readonly #replicaSets = new Map<string, Set<Unit>>();
  /** Pod (`namespace/name`) → services with an address of it. */
  readonly #servicesOfPod = new Map<string, Map<string, number>>();
  /** `namespace/pod-template-hash` → pods. */
  readonly #podsOfHash = new Map<string, Set<string>>();

  /** Adds or removes an object; returns the services (`namespace/name`) whose endpoints it touches. */
  change(unit: Unit, add: boolean): readonly string[] {
    const { resource } = unit.object;
    if (resource === null) return [];
    const { name, namespace } = resource.meta;
    switch (resource.kind) {
      case 'Service':
        return [this.#touch(`${namespace}/${name}`, 'services', unit, add)];
      case 'EndpointSlice': {
        const place = `${namespace}/${resource.service}`;
        const { ready, draining, unready } = resource;
        this.#countPods(place, [...ready, ...draining, ...unready], namespace, add);
        return [this.#touch(place, 'slices', unit, add)];
      }
      case 'Endpoints': {
        const place = `${namespace}/${name}`;
        for (const { ready } of resource.subsets) this.#countPods(place, ready, namespace, add);
        return [this.#touch(place, 'endpoints', unit, add)];
      }
      case 'Pod': {
        const pod = `${namespace}/${name}`;
        toggle(this.#pods, pod, unit, add);
        const hash = resource.meta.labels['pod-template-hash'];
        if (hash !== undefined) toggle(this.#podsOfHash, `${namespace}/${hash}`, pod, add);
        return this.#withPod(pod);
      }
      case 'ReplicaSet': {
        const hash = resource.meta.labels['pod-template-hash'];
        if (hash === undefined) return [];
        const key = `${namespace}/${hash}`;
        toggle(this.#replicaSets, key, unit, add);
        const pods = [...(this.#podsOfHash.get(key) ?? [])];
        return [...new Set(pods.flatMap((pod) => this.#withPod(pod)))];
      }
      default:
        return [];
    }
  }

  /** The Service object, or null. */
  service(namespace: string, name: string): Service | null {
    const unit = last(this.#services.get(`${namespace}/${name}`)?.services);
    return unit === null ? null : resourceOf(unit, 'Service');
  }

  /** Addresses of a service from its slices, else from its Endpoints object; null if there is neither. */
  subsets(namespace: string, name: string): readonly Subset[] | null {
    const objects = this.#services.get(`${namespace}/${name}`);
    if (objects === undefined) return null;
    if (objects.slices.size > 0) {
      const slices = [...objects.slices].sort((a, b) =>
        String(a.object.identity) < String(b.object.identity) ? -1 : 1,
      );
      return slices.flatMap((unit) => resourceOf(unit, 'EndpointSlice') ?? []);
    }
    const unit = last(objects.endpoints);
    const subsets = unit === null ? null : (resourceOf(unit, 'Endpoints')?.subsets ?? null);
    return subsets === null
      ? null
      : subsets.map((subset) => ({ ...subset, family: null, draining: [], unready: [] }));
  }

  /** Labels of a pod; null for one that is not known. */
  podLabels(namespace: string, pod: string): Readonly<Record<string, string>> | null {
    const unit = last(this.#pods.get(`${namespace}/${pod}`));
    return unit === null ? null : (resourceOf(unit, 'Pod')?.meta.labels ?? null);
  }

  /**
   * The release of a pod: label `version`, else `app.kubernetes.io/version`, else the revision of the Deployment
   * that its pod-template-hash belongs to (the hash itself where that is not known). Null for an unknown pod.
   */
  podVersion(namespace: string, pod: string): string | null {
    const labels = this.podLabels(namespace, pod);
    if (labels === null) return null;
    const hash = labels['pod-template-hash'];
    const written = labels.version ?? labels['app.kubernetes.io/version'];
    if (written !== undefined || hash === undefined) return written ?? null;
    const owner = last(this.#replicaSets.get(`${namespace}/${hash}`));
    return (owner === null ? null : resourceOf(owner, 'ReplicaSet')?.revision) ?? hash;
  }

  #withPod(pod: string): string[] {
    return [...(this.#servicesOfPod.get(pod)?.keys() ?? [])];
  }

  /** A pod can stand in several slices of a service: it is counted. */
  #countPods(place: string, addresses: readonly EndpointAddress[], namespace: string, add: boolean): void {
    for (const { pod } of addresses) {
      if (pod === null) continue;
      const key = `${namespace}/${pod}`;
      const places = this.#servicesOfPod.get(key) ?? new Map<string, number>();
      const count = (places.get(place) ?? 0) + (add ? 1 : -1);
      if (count > 0) places.set(place, count);
      else places.delete(place);
      if (places.size > 0) this.#servicesOfPod.set(key, places);
      else this.#servicesOfPod.delete(key);
    }
  }

  #touch(key: string, part: keyof ServiceObjects, unit: Unit, add: boolean): string {
    let objects = this.#services.get(key);
    if (objects === undefined) {
      objects = { services: new Set(), slices: new Set(), endpoints: new Set() };
      this.#services.set(key, objects);
    }
    if (add) objects[part].add(unit);
    else objects[part].delete(unit);
    if (objects.services.size + objects.slices.size + objects.endpoints.size === 0)
      this.#services.delete(key);
    return key;
  }
}

/** The unit that comes last by file and place: it wins over others of its name. */
function last(units: ReadonlySet<Unit> | undefined): Unit | null {
  let found: Unit | null = null;
  for (const unit of units ?? []) if (found === null || compareUnits(found, unit) < 0) found = unit;
  return found;
}

function toggle<T>(map: Map<string, Set<T>>, key: string, item: T, add: boolean): void {
  const set = map.get(key) ?? new Set<T>();
  if (add) set.add(item);
  else set.delete(item);
  if (set.size === 0) map.delete(key);
  else map.set(key, set);
}
