import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { candidateNames, lookupHosts, parseResolvConf } from './resolv-conf.ts';

/** Addresses of a name and how long they are good for. */
export interface LookupAnswer {
  readonly addresses: readonly string[];
  /** Seconds; null = forever (an IP address). */
  readonly ttl: number | null;
}

/** Finds the addresses of a host name; rejects with a message for people when there are none. */
export type Lookup = (name: string) => Promise<LookupAnswer>;

/** Where a lookup looks; the defaults are the system's. */
export interface LookupOptions {
  /** `address:port` of the name servers. */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
  readonly resolvConf?: string;
  /** Milliseconds for one question to one server. */
  readonly timeoutMs?: number;
}

/** A hosts file has no TTL; it is read again after this many seconds. */
const HOSTS_TTL = 5;
/** Codes that say that a name does not exist or has no such record: the next name is tried. */
const absent: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/** Looks names up as the system does: IP literals, hosts file, then DNS (A and AAAA) with search domains and ndots. */
export function systemLookup(options: LookupOptions = {}): Lookup {
  const resolver = new Resolver({ timeout: options.timeoutMs ?? 2000, tries: 2 });
  if (options.servers !== undefined) resolver.setServers([...options.servers]);
  return async (name) => {
    if (isIP(name) !== 0) return { addresses: [name], ttl: null };
    const local = lookupHosts(await textOf(options.hostsFile ?? '/etc/hosts'), name);
    if (local.length > 0) return { addresses: local, ttl: HOSTS_TTL };
    const rules = parseResolvConf(await textOf(options.resolvConf ?? '/etc/resolv.conf'));
    for (const candidate of candidateNames(name, rules)) {
      const answer = await ask(resolver, candidate);
      if (answer !== null) return answer;
    }
    throw new Error(`no address for ${name}`);
  };
}

/** Null when the name does not exist. One family that fails does no harm while the other has addresses. */
async function ask(resolver: Resolver, name: string): Promise<LookupAnswer | null> {
  const results = await Promise.allSettled([
    resolver.resolve4(name, { ttl: true }),
    resolver.resolve6(name, { ttl: true }),
  ]);
  const records = results.flatMap((r) => (r.status === 'fulfilled' ? r.value : []));
  if (records.length > 0) {
    return {
      addresses: [...new Set(records.map((r) => r.address))],
      ttl: Math.min(...records.map((r) => r.ttl)),
    };
  }
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    const code = (result.reason as NodeJS.ErrnoException).code ?? 'EFAIL';
    if (!absent.has(code)) throw new Error(`looking up ${name} failed: ${wordsOf(code)}`);
  }
  return null;
}

function wordsOf(code: string): string {
  if (code === 'ETIMEOUT') return 'the name server did not answer in time';
  if (code === 'ECONNREFUSED') return 'no name server is listening';
  if (code === 'ESERVFAIL') return 'the name server failed';
  if (code === 'EREFUSED') return 'the name server refused the question';
  return code;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
