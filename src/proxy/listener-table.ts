import type { Listener, SnapshotPatch } from '../model/snapshot.ts';
import type { TlsContext } from '../model/tls.ts';
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
}

const nowhere: ListenerSide = {
  virtualHosts: null,
  secure: false,
  context: null,
  names: new ServerNames([]),
};

/**
 * The listeners of the snapshot with their TLS contexts. A connection carries one string for where it came in: the
 * listener's name for cleartext, and {@link secureSide} for TLS, so that what is remembered of a path for the one is not
 * taken for the other.
 */
export class ListenerTable {
  #listeners: readonly Listener[] = [];
  #contexts: readonly TlsContext[] = [];
  #byName = new Map<string, { listener: Listener; names: ServerNames }>();
  readonly #sides = new Map<string, ListenerSide>();

  /** Takes over what a patch says of listeners and contexts. */
  apply({ listeners, tlsContexts }: SnapshotPatch): void {
    if (listeners === null && tlsContexts === null) return;
    this.#listeners = listeners ?? this.#listeners;
    this.#contexts = tlsContexts ?? this.#contexts;
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

  /** True if connections of a listener may begin with TLS. */
  terminatesTls(listener: string): boolean {
    return this.#byName.get(listener)?.listener.protocol === 'https';
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

  #makeSide(name: string): ListenerSide {
    const [listenerName, context = null] = name.split(separator);
    const known = this.#byName.get(listenerName!);
    if (known === undefined) return nowhere;
    const { listener, names } = known;
    const { virtualHosts, securityModel } = listener;
    const secure = securityModel === 'xfp' ? context !== null : securityModel === 'secure';
    return { virtualHosts, secure, context, names };
  }
}

const separator = '\0';

/** What connections over TLS carry in place of their listener's name. */
export function secureSide(listener: string, context: string): string {
  return listener + separator + context;
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
