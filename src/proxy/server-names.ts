import type { TlsContext } from '../model/tls.ts';

/** TLS contexts of one listener by server name; see `TlsContext.hostnames` for the order. */
export class ServerNames {
  /** Whether one of them demands client certificates. */
  readonly demands: boolean;
  readonly #exact = new Map<string, TlsContext>();
  readonly #suffixes: [suffix: string, TlsContext][] = [];
  readonly #prefixes: [prefix: string, TlsContext][] = [];
  #any: TlsContext | null = null;

  constructor(contexts: readonly TlsContext[]) {
    for (const context of contexts) {
      for (const name of context.hostnames) {
        if (name === '*') this.#any ??= context;
        else if (name.startsWith('*')) this.#suffixes.push([name.slice(1), context]);
        else if (name.endsWith('*')) this.#prefixes.push([name.slice(0, -1), context]);
        else if (!this.#exact.has(name)) this.#exact.set(name, context);
      }
    }
    const longest = (a: [string, TlsContext], b: [string, TlsContext]): number => b[0].length - a[0].length;
    this.#suffixes.sort(longest);
    this.#prefixes.sort(longest);
    this.demands = contexts.some(({ clientCertificates }) => clientCertificates === 'required');
  }

  /** The context for a name in lower case (null: the client has sent none); null = there is none. A star is at least one character. */
  find(name: string | null): TlsContext | null {
    if (name === null) return this.#any;
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    const { length } = name;
    const found =
      this.#suffixes.find(([suffix]) => length > suffix.length && name.endsWith(suffix)) ??
      this.#prefixes.find(([prefix]) => length > prefix.length && name.startsWith(prefix));
    return found?.[1] ?? this.#any;
  }
}
