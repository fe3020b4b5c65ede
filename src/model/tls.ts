/** Versions of TLS that are spoken; older ones are not (RFC 8996). */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** What can be agreed on by ALPN (RFC 7301). */
export type AlpnProtocol = 'h2' | 'http/1.1';

/** A certificate with the chain that leads to its CA, and its private key. PEM, valid and matching. */
export interface KeyPair {
  /** The certificate itself first. */
  readonly chain: string;
  /** Never in a log, an error, an answer of the admin port or an output of a command. */
  readonly privateKey: string;
}

/**
 * What TLS is spoken with: Ambassador's TLSContext, or what a Host says of TLS itself. One that names hostnames
 * terminates TLS for them; any TLSContext can be named by a {@link UpstreamTls}. Certificates stand in this table
 * of the snapshot and nowhere else, so that routes can be shown as they are.
 */
export interface TlsContext {
  /** Unique in a snapshot and stable over compiles: `Host name.namespace` or `TLSContext name.namespace`. */
  readonly name: string;
  /**
   * Server names (SNI) for which it terminates TLS, in lower case and without port: exact, a glob with one star at
   * one end, or `*` (any name, and none at all). No two contexts of one listener have the same. An exact name wins,
   * then the longest `*.suffix`, then the longest `prefix.*`, then `*`, as for virtual hosts. Without a context that
   * fits, the handshake fails. Empty: it is for upstreams only.
   */
  readonly hostnames: readonly string[];
  /** The virtual host that it belongs to: only listeners that reach that one offer it. Null: every listener does. */
  readonly virtualHost: string | null;
  /**
   * True if something that it needs is missing or wrong: handshakes for its hostnames fail (they do not fall back to
   * another context, which might ask for no client certificate), and no connection to an upstream is made with it.
   */
  readonly broken: boolean;
  /**
   * What is shown to clients (never null where there are hostnames, unless it is broken), or to upstreams that ask for
   * a certificate.
   */
  readonly certificate: KeyPair | null;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** Offered to clients, in the order of preference. Towards upstreams the backend's protocol decides. */
  readonly alpn: readonly AlpnProtocol[];
  /** Ciphers of TLS 1.2 by OpenSSL's names, in the order of preference; empty = the platform's defaults. */
  readonly cipherSuites: readonly string[];
  /** Groups of the key exchange by OpenSSL's names; empty = the platform's defaults. */
  readonly ecdhCurves: readonly string[];
  /**
   * Whether clients are asked for a certificate. One that is shown has to be `ca`'s, or the handshake fails.
   * `required`: without one the handshake fails; and requests for these hostnames are taken from connections of this
   * very context only (421 otherwise), or another server name would be a way round it.
   */
  readonly clientCertificates: 'off' | 'optional' | 'required';
  /** Certificates of the authorities that the peer's certificate is verified against, PEM; null = none. */
  readonly ca: string | null;
  /** Revoked certificates of these authorities (X.509 CRLs), PEM; null = none. */
  readonly crl: string | null;
}

/** TLS towards an upstream; part of what tells one pool of connections from another. */
export interface UpstreamTls {
  /**
   * Name of the {@link TlsContext} with client certificate, authorities and versions; null = none and the defaults.
   * Where that one is broken (or, between two snapshots, not there) the call is refused, and no connection made.
   */
  readonly context: string | null;
  /** Sent as SNI; null = none, because the upstream is an IP address. */
  readonly serverName: string | null;
  /**
   * --verify-upstreams: the name or IP address that the upstream's certificate has to be for; its chain is verified
   * against the context's `ca`, else the system's. Null, as in Ambassador: any name will do, and the chain is verified
   * only if the context has a `ca`.
   */
  readonly verifyName: string | null;
}
