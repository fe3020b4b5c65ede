import type { Raw } from './api-client.ts';
import { asMap, nameOf } from './kinds.ts';
import type { ObjectChange } from './reflector.ts';

/** How long the endpoints of a Service outlive its last slice object, milliseconds. */
const KEEP_MS = 1000;
/** Label that names a slice's Service. */
const SERVICE_LABEL = 'kubernetes.io/service-name';

/**
 * When a Service goes, its slices can be gone before it is: the two kinds come by different watches. A Service's last
 * slice object is therefore kept until there is news of the Service itself, or for a second: calls must not fail
 * because of the order of events.
 */
export class SliceKeeper {
  readonly #emit: (changes: readonly ObjectChange[]) => void;
  /** Slice → its Service. */
  readonly #serviceOf = new Map<string, string>();
  /** Service → its slices. */
  readonly #slices = new Map<string, Set<string>>();
  readonly #services = new Set<string>();
  readonly #held = new Map<string, { readonly slice: string; readonly timer: NodeJS.Timeout }>();

  /** @param emit where changes go on. */
  constructor(emit: (changes: readonly ObjectChange[]) => void) {
    this.#emit = emit;
  }

  /** News of Services: what was kept for them is let go. */
  services(changes: readonly ObjectChange[]): void {
    const released: ObjectChange[] = [];
    for (const { path, object } of changes) {
      if (object === null) this.#services.delete(path);
      else this.#services.add(path);
      released.push(...this.#release(path));
    }
    this.#emit([...changes, ...released]);
  }

  /** News of EndpointSlices. */
  slices(changes: readonly ObjectChange[]): void {
    const out: ObjectChange[] = [];
    for (const change of changes) {
      const { path, object } = change;
      if (object === null) {
        if (!this.#keeps(path)) out.push(...this.#drop(path));
        continue;
      }
      const service = serviceOf(object);
      const before = this.#serviceOf.get(path);
      if (before !== undefined && before !== service) {
        // What was kept for the Service that had it before must not end what is another's now.
        if (this.#held.get(before)?.slice === path) this.#release(before, path);
        this.#forget(path);
      }
      this.#serviceOf.set(path, service);
      this.#slices.set(service, (this.#slices.get(service) ?? new Set()).add(path));
      out.push(change);
      // Another one has come: the old one may go.
      out.push(...this.#release(service, path));
    }
    this.#emit(out);
  }

  /** Ends all timers. */
  stop(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  #keeps(path: string): boolean {
    const service = this.#serviceOf.get(path);
    if (service === undefined || !this.#services.has(service)) return false;
    if ((this.#slices.get(service)?.size ?? 0) > 1) return false;
    const timer = setTimeout(() => this.#emit(this.#release(service)), KEEP_MS);
    timer.unref();
    this.#held.set(service, { slice: path, timer });
    return true;
  }

  /** @param instead a slice that has come; the kept one is not let go for news of itself. */
  #release(service: string, instead: string | null = null): ObjectChange[] {
    const held = this.#held.get(service);
    if (held === undefined) return [];
    clearTimeout(held.timer);
    this.#held.delete(service);
    return held.slice === instead ? [] : this.#drop(held.slice);
  }

  #drop(path: string): ObjectChange[] {
    this.#forget(path);
    return [{ path, object: null }];
  }

  #forget(path: string): void {
    const service = this.#serviceOf.get(path);
    if (service === undefined) return;
    this.#serviceOf.delete(path);
    const slices = this.#slices.get(service);
    slices?.delete(path);
    if (slices?.size === 0) this.#slices.delete(service);
  }
}

function serviceOf(slice: Raw): string {
  const metadata = asMap(slice.metadata);
  const name = asMap(metadata.labels)[SERVICE_LABEL] ?? '';
  return nameOf('Service', { name, namespace: metadata.namespace });
}
