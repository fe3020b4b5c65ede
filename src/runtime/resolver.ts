import type { Lookup, LookupAnswer } from './lookup.ts';

/** What is known about the addresses of a service's host. */
export interface Resolution {
  readonly addresses: readonly string[];
  /** Why there are none; null when there are. */
  readonly problem: string | null;
}

const MIN_TTL_S = 1;
const MAX_TTL_S = 300;
const RETRY_FIRST_MS = 1000;
const RETRY_LARGEST_MS = 30_000;

interface Entry {
  readonly host: string;
  addresses: readonly string[];
  failures: number;
  timer: NodeJS.Timeout | null;
}

/**
 * Keeps the addresses of the hosts that are asked for. An answer is looked up again in the background when its TTL is over (at
 * least 1 s, at most 5 minutes); an old answer is kept while lookups fail; failures are retried after 1 s, doubling to 30 s.
 */
export class Resolver {
  readonly #lookup: Lookup;
  readonly #onAnswer: (host: string, resolution: Resolution) => void;
  readonly #entries = new Map<string, Entry>();

  /** @param onAnswer called when the addresses of a host change, and when its first lookup fails. */
  constructor(lookup: Lookup, onAnswer: (host: string, resolution: Resolution) => void) {
    this.#lookup = lookup;
    this.#onAnswer = onAnswer;
  }

  /** Begins to keep a host's addresses; nothing happens when they are kept already. */
  want(host: string): void {
    if (this.#entries.has(host)) return;
    const entry: Entry = { host, addresses: [], failures: 0, timer: null };
    this.#entries.set(host, entry);
    void this.#ask(entry);
  }

  /** Forgets hosts that nobody needs any more. */
  retain(needed: (host: string) => boolean): void {
    for (const [host, entry] of this.#entries) {
      if (needed(host)) continue;
      if (entry.timer !== null) clearTimeout(entry.timer);
      this.#entries.delete(host);
    }
  }

  /** Ends all lookups. */
  stop(): void {
    this.retain(() => false);
  }

  async #ask(entry: Entry): Promise<void> {
    let waitMs: number | null;
    try {
      waitMs = this.#took(entry, await this.#lookup(entry.host));
    } catch (error) {
      entry.failures++;
      waitMs = Math.min(RETRY_LARGEST_MS, RETRY_FIRST_MS * 2 ** (entry.failures - 1));
      if (entry.failures === 1 && entry.addresses.length === 0 && this.#entries.get(entry.host) === entry) {
        this.#onAnswer(entry.host, { addresses: [], problem: (error as Error).message });
      }
    }
    if (waitMs === null || this.#entries.get(entry.host) !== entry) return;
    entry.timer = setTimeout(() => void this.#ask(entry), waitMs);
    entry.timer.unref();
  }

  #took(entry: Entry, answer: LookupAnswer): number | null {
    const addresses = [...answer.addresses].sort();
    entry.failures = 0;
    if (addresses.join() !== entry.addresses.join() && this.#entries.get(entry.host) === entry) {
      entry.addresses = addresses;
      this.#onAnswer(entry.host, { addresses, problem: null });
    }
    return answer.ttl === null ? null : Math.min(MAX_TTL_S, Math.max(MIN_TTL_S, answer.ttl)) * 1000;
  }
}
