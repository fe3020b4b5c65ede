import type { Listener, SnapshotPatch } from '../model/snapshot.ts';
import type { TlsContext } from '../model/tls.ts';
import { defaultHttp, HttpRuntime } from './http-runtime.ts';
import type { AuthorityInfo } from './path-info.ts';
import { ServerNames } from './server-names.ts';

/** One way into a listener: in cleartext, or over TLS with one of its contexts. */
export interface ListenerSide {
  /** Virtual hosts that are reached through it; null = all. */
  readonly virtualHosts: readonly string[] | null;
  /** Whether requests count as secure, after the listener's security model. */
  readonly secure: boolean;
  /** Name of the TLS context of the connection; null = cleartext. */
  readonly context: string | null;
  /** The listener's contexts by server name. */
  readonly names: ServerNames;
  /** Proxies in front of it that are believed. */
  readonly trustedHops: number;
  /** The listener's port; 0 = there is no such listener any more. */
  readonly port: number;
}

/** What a listener's connections begin with. */
export type ListenerDoor = Pick<Listener, 'protocol' | 'proxyProtocol'>;

const unknownDoor: ListenerDoor = { protocol: 'http', proxyProtocol: false };

const nowhere: ListenerSide = {
  virtualHosts: null,
  secure: false,
  context: null,
  names: new ServerNames([]),
  trustedHops: 0,
  port: 0,
};

/**
 * The listeners of the snapshot with their TLS contexts. A connection carries one string for where it came in: the
 * listener's name for cleartext, and {@link secureSide} for TLS, so that what is remembered of a path for the one is not
 * taken for the other; and {@link schemeSide} where a proxy in front has spoken another scheme with the client.
 */
export class ListenerTable {
  /** Grows with each change of what stands here. */
  version = 0;
  /** The Module's settings. */
  http: HttpRuntime = defaultHttp;
  #listeners: readonly Listener[] = [];
  #contexts: readonly TlsContext[] = [];
  #byName = new Map<string, { listener: Listener; names: ServerNames }>();
  readonly #sides = new Map<string, ListenerSide>();
  readonly #bare = new Map<string, AuthorityInfo>();

  /** Takes over what a patch says of listeners and contexts. */
  apply({ listeners, tlsContexts, http }: SnapshotPatch): void {
    if (http !== null) {
      this.http = new HttpRuntime(http);
      this.version++;
    }
    if (listeners === null && tlsContexts === null) return;
    this.#listeners = listeners ?? this.#listeners;
    this.#contexts = tlsContexts ?? this.#contexts;
    this.version++;
    this.#sides.clear();
    this.#byName = new Map(
      this.#listeners.map((listener) => {
        // Of one in cleartext, too: there they say for which hosts it is no way round a client certificate.
        return [listener.name, { listener, names: new ServerNames(this.#contexts.filter(offers(listener))) }];
      }),
    );
  }

  /** All TLS contexts of the snapshot. */
  get contexts(): readonly TlsContext[] {
    return this.#contexts;
  }

  /** What connections of a listener begin with; of one that is not known (any more): HTTP in cleartext. */
  door(listener: string): ListenerDoor {
    return this.#byName.get(listener)?.listener ?? unknownDoor;
  }

  /** The context for a server name (lower case, null = none was sent) on a listener; null = there is none. */
  contextFor(listener: string, serverName: string | null): TlsContext | null {
    return this.#byName.get(listener)?.names.find(serverName) ?? null;
  }

  /** The side by its name, as a connection carries it. */
  side(name: string): ListenerSide {
    let side = this.#sides.get(name);
    if (side === undefined) {
      side = this.#makeSide(name);
      this.#sides.set(name, side);
    }
    return side;
  }

  /** An authority without its last `length` characters: the same object for the same text, as caches of routes want it. */
  withoutPort({ text }: AuthorityInfo, length: number): AuthorityInfo {
    const bare = text.slice(0, text.length - length);
    let known = this.#bare.get(bare);
    if (known === undefined) {
      if (this.#bare.size >= mostBare) this.#bare.clear();
      known = { encoded: Buffer.from(bare, 'latin1'), text: bare };
      this.#bare.set(bare, known);
    }
    return known;
  }

  #makeSide(name: string): ListenerSide {
    const [listenerName, contextName = '', scheme = ''] = name.split(separator);
    const context = contextName === '' ? null : contextName;
    const known = this.#byName.get(listenerName!);
    if (known === undefined) return nowhere;
    const { listener, names } = known;
    const { virtualHosts, securityModel, trustedHops, port } = listener;
    const spokeTls = scheme === '' ? context !== null : scheme === 'https';
    const secure = securityModel === 'xfp' ? spokeTls : securityModel === 'secure';
    return { virtualHosts, secure, context, names, trustedHops, port };
  }
}

const separator = '\0';
/** Authorities that are kept without their port; clients invent names. */
const mostBare = 1024;

/** What connections over TLS carry in place of their listener's name. */
export function secureSide(listener: string, context: string): string {
  return listener + separator + context;
}

/** What requests carry whose client spoke another scheme with a proxy that is believed than the proxy spoke with the gateway. */
export function schemeSide(side: string, scheme: 'http' | 'https'): string {
  return (side.includes(separator) ? side : side + separator) + separator + scheme;
}

/**
 * True if a host's context demands client certificates and the connection has another one: the handshake with another
 * server name, or cleartext, must be no way round it. @param host as the request has it, with its port.
 */
export function isMisdirected({ names, context }: ListenerSide, host: string): boolean {
  if (!names.demands) return false;
  const wanted = names.find(host.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase());
  return wanted !== null && wanted.clientCertificates === 'required' && wanted.name !== context;
}

function offers({ virtualHosts }: Listener): (context: TlsContext) => boolean {
  return ({ hostnames, virtualHost }) =>
    hostnames.length > 0 &&
    (virtualHost === null || virtualHosts === null || virtualHosts.includes(virtualHost));
}
