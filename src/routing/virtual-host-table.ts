import type { VirtualHost } from '../model/snapshot.ts';

/**
 * Chooses the virtual host of a request: exact, then the longest suffix glob, then the longest prefix glob, then
 * `*` (Envoy's order). Letter case aside; the port counts as it was written.
 */
export class VirtualHostTable {
  readonly #exact = new Map<string, VirtualHost[]>();
  readonly #suffixes: VirtualHost[] = [];
  readonly #prefixes: VirtualHost[] = [];
  readonly #any: VirtualHost[] = [];

  constructor(hosts: readonly VirtualHost[]) {
    for (const host of hosts) {
      const name = host.hostname.toLowerCase();
      if (name === '*') this.#any.push(host);
      else if (name.startsWith('*')) this.#suffixes.push(host);
      else if (name.endsWith('*')) this.#prefixes.push(host);
      else this.#exact.set(name, [...(this.#exact.get(name) ?? []), host]);
    }
    const longest = (a: VirtualHost, b: VirtualHost): number => b.hostname.length - a.hostname.length;
    this.#suffixes.sort(longest);
    this.#prefixes.sort(longest);
  }

  /** The virtual host for a host in lower case, among those of the listener (null = all). */
  find(lowerHost: string, among: readonly string[] | null): VirtualHost | null {
    const exact = first(this.#exact.get(lowerHost), among);
    if (exact !== null) return exact;
    for (const host of this.#suffixes) {
      const suffix = host.hostname.slice(1).toLowerCase();
      if (lowerHost.length > suffix.length && lowerHost.endsWith(suffix) && isAmong(host, among)) return host;
    }
    for (const host of this.#prefixes) {
      const prefix = host.hostname.slice(0, -1).toLowerCase();
      if (lowerHost.length > prefix.length && lowerHost.startsWith(prefix) && isAmong(host, among))
        return host;
    }
    return first(this.#any, among);
  }
}

function first(
  hosts: readonly VirtualHost[] | undefined,
  among: readonly string[] | null,
): VirtualHost | null {
  return hosts?.find((host) => isAmong(host, among)) ?? null;
}

function isAmong(host: VirtualHost, among: readonly string[] | null): boolean {
  return among === null || among.includes(host.name);
}
