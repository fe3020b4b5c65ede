import type { EndpointAddress, NamedPort } from '../resources/kubernetes/endpoint-slice.ts';
import type { Service } from '../resources/kubernetes/service.ts';
import { compareUnits, resourceOf, type Unit } from './unit.ts';

/** Addresses with the ports that belong to them. */
export interface Subset {
  readonly ports: readonly NamedPort[];
  readonly ready: readonly EndpointAddress[];
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

  /** Adds or removes an object; returns the service (`namespace/name`) or namespace (`namespace/`) that it touches. */
  change(unit: Unit, add: boolean): string | null {
    const { resource } = unit.object;
    if (resource === null) return null;
    const { name, namespace } = resource.meta;
    switch (resource.kind) {
      case 'Service':
        return this.#touch(`${namespace}/${name}`, 'services', unit, add);
      case 'EndpointSlice':
        return this.#touch(`${namespace}/${resource.service}`, 'slices', unit, add);
      case 'Endpoints':
        return this.#touch(`${namespace}/${name}`, 'endpoints', unit, add);
      case 'Pod':
        toggle(this.#pods, `${namespace}/${name}`, unit, add);
        return `${namespace}/`;
      case 'ReplicaSet': {
        const hash = resource.meta.labels['pod-template-hash'];
        if (hash !== undefined) toggle(this.#replicaSets, `${namespace}/${hash}`, unit, add);
        return `${namespace}/`;
      }
      default:
        return null;
    }
  }

  /** The Service object, or null. */
  service(namespace: string, name: string): Service | null {
    const unit = last(this.#services.get(`${namespace}/${name}`)?.services);
    return unit === null ? null : resourceOf(unit, 'Service');
  }

  /** Ready addresses of a service from its slices, else from its Endpoints object; null if there is neither. */
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
    return unit === null ? null : (resourceOf(unit, 'Endpoints')?.subsets ?? null);
  }

  /**
   * The release of a pod: label `version`, else `app.kubernetes.io/version`, else the revision of the Deployment
   * that its pod-template-hash belongs to (the hash itself where that is not known). Null for an unknown pod.
   */
  podVersion(namespace: string, pod: string): string | null {
    const unit = last(this.#pods.get(`${namespace}/${pod}`));
    if (unit === null) return null;
    const labels = resourceOf(unit, 'Pod')?.meta.labels ?? {};
    const hash = labels['pod-template-hash'];
    const written = labels.version ?? labels['app.kubernetes.io/version'];
    if (written !== undefined || hash === undefined) return written ?? null;
    const owner = last(this.#replicaSets.get(`${namespace}/${hash}`));
    return (owner === null ? null : resourceOf(owner, 'ReplicaSet')?.revision) ?? hash;
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

function toggle(map: Map<string, Set<Unit>>, key: string, unit: Unit, add: boolean): void {
  const set = map.get(key) ?? new Set<Unit>();
  if (add) set.add(unit);
  else set.delete(unit);
  if (set.size === 0) map.delete(key);
  else map.set(key, set);
}
