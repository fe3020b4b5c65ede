import { endpointsKey, type ServiceEndpoints } from '../model/endpoints.ts';
import type { EndpointsPatch } from '../model/snapshot.ts';
import type { Resolution } from './resolver.ts';

/** Host and port of a service's key, `grpc-server.default:50051` or `[::1]:80`; null when it is neither. */
export function splitService(service: string): { host: string; port: number } | null {
  const match = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(service);
  if (match === null) return null;
  return { host: (match[1] ?? match[2])!, port: Number(match[3]) };
}

/**
 * The endpoints that workers see: what the compiler knows from manifests and `--resolve`, and for names that have to be looked up
 * (`pending`) what the resolver found.
 */
export class EndpointTable {
  readonly #compiled = new Map<string, ServiceEndpoints>();
  /** Services whose addresses come from the resolver, by host. */
  readonly #pending = new Map<string, Set<string>>();
  readonly #resolved = new Map<string, Resolution>();
  /** Hosts that once had an address: a canary behind one has its share from then on. */
  readonly #everReady = new Set<string>();
  readonly #refuses: (address: string) => string | null;

  /** @param refuses why an address that was looked up may not be a backend; null = it may. */
  constructor(refuses: (address: string) => string | null = () => null) {
    this.#refuses = refuses;
  }

  /** Takes over what a compile changed; returns what workers have to be told. */
  compiled(patch: EndpointsPatch): EndpointsPatch {
    for (const service of patch.delete) this.#forget(service);
    for (const entry of patch.set) {
      const key = endpointsKey(entry);
      this.#forget(key);
      this.#compiled.set(key, entry);
      const host = hostOf(entry);
      if (entry.state !== 'pending' || host === null) continue;
      const services = this.#pending.get(host) ?? new Set();
      this.#pending.set(host, services.add(key));
    }
    for (const host of this.#resolved.keys()) if (!this.#pending.has(host)) this.#resolved.delete(host);
    return { set: patch.set.map((entry) => this.#effective(entry)), delete: patch.delete };
  }

  /** Takes over what the resolver found; returns what workers have to be told. */
  resolved(host: string, resolution: Resolution): EndpointsPatch {
    this.#resolved.set(host, resolution);
    if (resolution.addresses.length > 0) this.#everReady.add(host);
    const services = [...(this.#pending.get(host) ?? [])];
    return { set: services.map((service) => this.get(service)!), delete: [] };
  }

  /** Whether a host still has to be kept by the resolver. */
  needs(host: string): boolean {
    return this.#pending.has(host);
  }

  /** The name that has to be looked up for a service; null where none has to. */
  hostOf(service: string): string | null {
    const entry = this.#compiled.get(service);
    return entry?.state === 'pending' ? hostOf(entry) : null;
  }

  /** What workers see of one service. */
  get(service: string): ServiceEndpoints | undefined {
    const entry = this.#compiled.get(service);
    return entry === undefined ? undefined : this.#effective(entry);
  }

  /** What the compiler knows, all of it. */
  compiledEntries(): ServiceEndpoints[] {
    return [...this.#compiled.values()];
  }

  /** What workers see, all of it. */
  all(): Map<string, ServiceEndpoints> {
    return new Map([...this.#compiled].map(([key, entry]) => [key, this.#effective(entry)]));
  }

  #forget(service: string): void {
    const entry = this.#compiled.get(service);
    this.#compiled.delete(service);
    const host = entry === undefined ? null : hostOf(entry);
    if (host === null) return;
    const services = this.#pending.get(host);
    services?.delete(service);
    if (services?.size === 0) this.#pending.delete(host);
  }

  #effective(entry: ServiceEndpoints): ServiceEndpoints {
    if (entry.state !== 'pending') return entry;
    const place = splitService(entry.service);
    if (place === null) {
      return { ...entry, state: 'failed', problem: `"${entry.service}" is not HOST:PORT` };
    }
    const host = entry.lookup ?? place.host;
    const found = this.#resolved.get(host);
    if (found === undefined) return entry;
    const refused = found.addresses.map(this.#refuses).find((reason) => reason !== null) ?? null;
    const allowed = found.addresses.filter((address) => this.#refuses(address) === null);
    const problem = found.problem ?? (allowed.length === 0 ? refused : null);
    return {
      ...entry,
      state: problem === null ? 'known' : 'failed',
      endpoints: allowed.map((address) => ({ address, port: place.port, version: entry.version })),
      everReady: entry.everReady || this.#everReady.has(host),
      problem,
    };
  }
}

function hostOf(entry: ServiceEndpoints): string | null {
  return entry.lookup ?? splitService(entry.service)?.host ?? null;
}
