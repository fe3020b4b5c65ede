import { existsSync, readFileSync } from 'node:fs';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
} from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { TlsContext, UpstreamTls } from '../../model/tls.ts';
import { cipherList, suites12 } from './ciphers.ts';

/** How to connect over TLS: what all connections with one {@link UpstreamTls} have in common. */
export interface SecureDial {
  /** Tells this from others, and from what the same context was before it changed. */
  readonly key: string;
  readonly options: ConnectionOptions;
  /** The last session, so that the next handshake is short. */
  session: Buffer | undefined;
}

interface Made {
  readonly row: TlsContext;
  /** Counts the contents that the context has had. */
  readonly revision: number;
}

/** Where distributions keep the certificates of the authorities that a system trusts. */
const systemStores = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** TLS towards upstreams, as the contexts of the snapshot say it. One for a worker. */
export class UpstreamContexts {
  readonly #contexts: () => readonly TlsContext[];
  readonly #onFault: (context: string, error: Error) => void;
  readonly #made = new Map<string, Made>();
  readonly #dials = new WeakMap<
    UpstreamTls,
    { readonly revision: number; readonly dial: SecureDial | null }
  >();
  readonly #byKey = new Map<string, SecureDial>();
  #systemCa: string | null = null;

  /** @param contexts those of the snapshot. @param onFault told of one that OpenSSL refuses. */
  constructor(contexts: () => readonly TlsContext[], onFault: (context: string, error: Error) => void) {
    this.#contexts = contexts;
    this.#onFault = onFault;
  }

  /** How to connect; null when its context is missing or broken: then no connection may be made. */
  dial(tls: UpstreamTls): SecureDial | null {
    const row =
      tls.context === null ? null : (this.#contexts().find(({ name }) => name === tls.context) ?? null);
    if (tls.context !== null && row === null) return null;
    const revision = row === null ? 0 : this.#revisionOf(row);
    const known = this.#dials.get(tls);
    if (known !== undefined && known.revision === revision) return known.dial;
    const dial = row?.broken === true ? null : this.#make(tls, row, revision);
    this.#dials.set(tls, { revision, dial });
    return dial;
  }

  #revisionOf(row: TlsContext): number {
    const known = this.#made.get(row.name);
    if (known?.row === row) return known.revision;
    // All rows come anew when one has changed.
    const same = known !== undefined && isDeepStrictEqual(known.row, row);
    const revision = same ? known.revision : (known?.revision ?? 0) + 1;
    this.#made.set(row.name, { row, revision });
    return revision;
  }

  #make(tls: UpstreamTls, row: TlsContext | null, revision: number): SecureDial | null {
    const key = JSON.stringify([tls.context, revision, tls.serverName, tls.verifyName]);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    let secureContext: SecureContext;
    try {
      secureContext = this.#contextOf(tls, row);
    } catch (error) {
      this.#onFault(row?.name ?? 'TLS to upstreams', error as Error);
      return null;
    }
    const { verifyName } = tls;
    const options: ConnectionOptions = {
      secureContext,
      rejectUnauthorized: verifyName !== null || row?.ca != null,
      // Without a name to verify any will do, as in Ambassador: the chain alone counts, where there is an authority.
      checkServerIdentity: (_, certificate) =>
        verifyName === null ? undefined : checkServerIdentity(verifyName, certificate),
      ...(tls.serverName === null ? {} : { servername: tls.serverName }),
    };
    const dial: SecureDial = { key, options, session: undefined };
    this.#byKey.set(key, dial);
    return dial;
  }

  #contextOf(tls: UpstreamTls, row: TlsContext | null): SecureContext {
    const ca = row?.ca ?? (tls.verifyName === null ? null : this.#system());
    const { certificate = null, crl = null, cipherSuites = [], ecdhCurves = [] } = row ?? {};
    const old = suites12(cipherSuites);
    return createSecureContext({
      minVersion: row?.minVersion ?? 'TLSv1.2',
      maxVersion: row?.maxVersion ?? 'TLSv1.3',
      ...(ca === null ? {} : { ca }),
      ...(crl === null ? {} : { crl }),
      ...(certificate === null ? {} : { cert: certificate.chain, key: certificate.privateKey }),
      ...(old.length === 0 ? {} : { ciphers: cipherList(old) }),
      ...(ecdhCurves.length === 0 ? {} : { ecdhCurve: ecdhCurves.join(':') }),
    });
  }

  /** Authorities that the system trusts (SSL_CERT_FILE, or where distributions keep them); null = Node's own list. */
  #system(): string | null {
    if (this.#systemCa !== null) return this.#systemCa;
    const file = [process.env.SSL_CERT_FILE, ...systemStores].find(
      (path) => path !== undefined && existsSync(path),
    );
    if (file === undefined) return null;
    this.#systemCa = readFileSync(file, 'latin1');
    return this.#systemCa;
  }

  /** Drops what the snapshot has no more. */
  forget(): void {
    const names = new Set(this.#contexts().map(({ name }) => name));
    for (const name of this.#made.keys()) if (!names.has(name)) this.#made.delete(name);
    for (const [key] of this.#byKey) {
      const [context, revision] = JSON.parse(key) as [string | null, number];
      if (context === null) continue;
      const made = this.#made.get(context);
      if (made === undefined || made.revision !== revision) this.#byKey.delete(key);
    }
  }
}
