import type { Canary, CanaryOverlay, CanaryTarget } from '../../resources/serin/canary.ts';
import { overlayInForce, revisionOf } from '../../resources/serin/overlay.ts';
import { clusterOf, splitKey } from '../service-name.ts';
import { resourceOf, type Unit } from '../unit.ts';

/** A Canary in force, with the weight that counts now. */
export interface ActiveCanary {
  readonly unit: Unit;
  readonly canary: Canary;
  /** Percent. */
  readonly weight: number;
  /** What holds the written weight off; null = nothing. */
  readonly overlay: CanaryOverlay | null;
}

/** What groups ask of the Canaries. */
export interface CanaryLookup {
  /** The Canary that divides a service (`name.namespace:port`, however it is spelt), or null. */
  ofService(serviceKey: string): ActiveCanary | null;
  /**
   * Weight in percent that a Mapping (`name.namespace`) has instead of its own, from a Canary or a command; null = its own.
   * @param service where it leads to: what a command has set counts for that only.
   */
  weightOfMapping(mapping: string, service: string): number | null;
}

/** What has changed: services and Mappings (`name.namespace`) whose groups have to be compiled anew. */
export interface TouchedByCanaries {
  readonly services: ReadonlySet<string>;
  readonly mappings: ReadonlySet<string>;
}

/** `name.namespace` of the Service or Mapping that a Canary divides. */
export function targetOf({ target }: Pick<Canary, 'target'>): string {
  return target.kind === 'service' ? target.service : target.mapping;
}

/** What a Canary divides, as text: `service grpc-server.default`, `mapping canary.default`. */
function placeOf(target: CanaryTarget): string {
  return `${target.kind} ${targetOf({ target })}`;
}

/** `name.namespace`. */
export function canaryName({ meta }: Canary): string {
  return `${meta.name}.${meta.namespace}`;
}

/** Kinds of what has a weight that commands can set. */
export type SplitKind = 'Canary' | 'Mapping' | 'TCPMapping';

/** By what a command's overlay is kept: a Canary and a Mapping can have one name, and what is set for one is not set for the other. */
export function overlayKey(kind: SplitKind, name: string): string {
  return `${kind}/${name}`;
}

/** True for a Canary that divides what is not of its own namespace. */
export function isForeign(canary: Canary): boolean {
  const name = targetOf(canary);
  return name.slice(name.lastIndexOf('.') + 1) !== canary.meta.namespace;
}

/** All Canaries, by what they divide. Of two that divide the same the older wins. */
export class CanaryTable implements CanaryLookup {
  readonly #isolated: boolean;
  readonly #units = new Set<Unit>();
  readonly #byPlace = new Map<string, Set<Unit>>();
  /** The same, the oldest first, as far as somebody has asked: a place can have thousands. */
  readonly #byAge = new Map<string, readonly Unit[]>();
  /** What commands have set outside of a cluster, by {@link overlayKey}. */
  #overlays: ReadonlyMap<string, CanaryOverlay> = new Map();
  #services = new Set<string>();
  #mappings = new Set<string>();

  /** @param isolated a Canary has no effect on another namespace (--isolate-namespaces). */
  constructor(isolated = false) {
    this.#isolated = isolated;
  }

  /** Adds or removes an object; others than Canaries are passed over. */
  change(unit: Unit, add: boolean): void {
    const canary = resourceOf(unit, 'Canary');
    if (canary === null) return;
    if (add) this.#units.add(unit);
    else this.#units.delete(unit);
    if (this.isShutOut(canary)) return;
    const place = placeOf(canary.target);
    this.#byAge.delete(place);
    const units = this.#byPlace.get(place) ?? new Set<Unit>();
    if (add) units.add(unit);
    else units.delete(unit);
    if (units.size > 0) this.#byPlace.set(place, units);
    else this.#byPlace.delete(place);
    this.#touch(canary.target);
  }

  /** Takes over what commands have set, by {@link overlayKey}. */
  setOverlays(overlays: ReadonlyMap<string, CanaryOverlay>): void {
    for (const key of new Set([...this.#overlays.keys(), ...overlays.keys()])) {
      if (JSON.stringify(this.#overlays.get(key)) === JSON.stringify(overlays.get(key))) continue;
      this.#mappings.add(key.slice(key.indexOf('/') + 1));
      for (const unit of this.#units) {
        const canary = resourceOf(unit, 'Canary')!;
        if (overlayKey('Canary', canaryName(canary)) === key) this.#touch(canary.target);
      }
    }
    this.#overlays = overlays;
  }

  /** True for a Canary that may have no effect on what it names. */
  isShutOut(canary: Canary): boolean {
    return this.#isolated && isForeign(canary);
  }

  /** What has been touched since this was last asked; null = nothing. */
  takeTouched(): TouchedByCanaries | null {
    if (this.#services.size + this.#mappings.size === 0) return null;
    const touched = { services: this.#services, mappings: this.#mappings };
    this.#services = new Set();
    this.#mappings = new Set();
    return touched;
  }

  ofService(serviceKey: string): ActiveCanary | null {
    if (this.#byPlace.size === 0) return null;
    const cluster = clusterOf(serviceKey);
    if (cluster === null) return null;
    const first = this.#oldest(`service ${cluster.name}.${cluster.namespace}`, splitKey(serviceKey).port);
    return first === null ? null : this.#active(first);
  }

  weightOfMapping(mapping: string, service: string): number | null {
    const first = this.#oldest(`mapping ${mapping}`, null);
    if (first !== null) return this.#active(first).weight;
    // A command outside of a cluster can name a Mapping itself.
    return this.overlayOfMapping(mapping, service)?.weight ?? null;
  }

  /** True where a command has set anything. */
  get hasOverlays(): boolean {
    if (this.#overlays.size > 0) return true;
    for (const unit of this.#units) if (resourceOf(unit, 'Canary')!.overlay !== null) return true;
    return false;
  }

  /** What a command has set for a Mapping itself. */
  overlayOfMapping(mapping: string, service: string): CanaryOverlay | null {
    const of = (kind: SplitKind): CanaryOverlay | null =>
      overlayInForce(this.#overlays.get(overlayKey(kind, mapping)) ?? null, service);
    return of('Mapping') ?? of('TCPMapping');
  }

  /** True for a Mapping whose weight a Canary has taken over. */
  hasMapping(mapping: string): boolean {
    return this.#byPlace.has(`mapping ${mapping}`);
  }

  /** All Canaries, with the older one that keeps each from being in force, or null. */
  *all(): Generator<{ readonly active: ActiveCanary; readonly older: Canary | null }> {
    for (const unit of this.#units) {
      const canary = resourceOf(unit, 'Canary')!;
      const { target } = canary;
      const port = target.kind === 'service' ? target.port : null;
      const first = this.isShutOut(canary) ? null : this.#oldest(placeOf(target), port);
      yield {
        active: this.#active(unit),
        older: first === null || first === unit ? null : resourceOf(first, 'Canary'),
      };
    }
  }

  #touch(target: CanaryTarget): void {
    if (target.kind === 'service') this.#services.add(target.service);
    else this.#mappings.add(target.mapping);
  }

  /** The oldest of those that divide the same; null = there is none. One without a port is for each of them. */
  #oldest(place: string, port: number | null): Unit | null {
    let units = this.#byAge.get(place);
    if (units === undefined) {
      const all = this.#byPlace.get(place);
      if (all === undefined) return null;
      units = [...all].sort((a, b) => compareAge(resourceOf(a, 'Canary')!, resourceOf(b, 'Canary')!));
      this.#byAge.set(place, units);
    }
    const first = units.find((unit) => {
      const { target } = resourceOf(unit, 'Canary')!;
      return target.kind === 'mapping' || port === null || target.port === null || target.port === port;
    });
    return first ?? null;
  }

  #active(unit: Unit): ActiveCanary {
    const canary = resourceOf(unit, 'Canary')!;
    const written = this.#overlays.get(overlayKey('Canary', canaryName(canary))) ?? canary.overlay;
    const overlay = overlayInForce(written, revisionOf(canary));
    return { unit, canary, weight: overlay?.weight ?? canary.weight, overlay };
  }
}

/** By time of creation, then name. What has no time (in files) is as old as can be. */
function compareAge(a: Canary, b: Canary): number {
  const x = `${a.meta.created ?? ''} ${canaryName(a)}`;
  const y = `${b.meta.created ?? ''} ${canaryName(b)}`;
  return x < y ? -1 : x > y ? 1 : 0;
}
