/** How paths are brought into the form that routes are chosen by and that is sent. Dot segments are always resolved. */
export interface PathRules {
  /** `//` becomes `/`. */
  readonly mergeSlashes: boolean;
  /** What becomes of `%2F` and `%5C`: sent as they came, refused with 400, or read as the characters they stand for. */
  readonly escapedSlashes: 'keep' | 'reject' | 'unescape';
}

/** Envoy's modes of forward_client_cert_details, in lower case. */
export type ClientCertMode =
  | 'sanitize'
  | 'forward_only'
  | 'append_forward'
  | 'sanitize_set'
  | 'always_forward_only';

/** What x-forwarded-client-cert says of a client's certificate beside its hash. */
export interface ClientCertDetails {
  readonly subject: boolean;
  readonly cert: boolean;
  readonly chain: boolean;
  readonly dns: boolean;
  readonly uri: boolean;
}

/** A content coding that answers can be compressed with (RFC 9110 8.4.1, RFC 7932, RFC 8878). */
export type ContentCoding = 'gzip' | 'br' | 'zstd';

/** How answers are compressed. */
export interface Compression {
  /** Codings on offer, in the order in which they win where a client likes several alike. */
  readonly codings: readonly ContentCoding[];
  /** Bytes; shorter bodies stay as they are. Bodies of an unknown length are compressed. */
  readonly minLength: number;
  /** Media types in lower case, without parameters. */
  readonly types: readonly string[];
  /** An answer with a strong etag stays as it is; else its etag becomes a weak one. */
  readonly skipStrongEtag: boolean;
  /** The service is not told what the client accepts, so that it does not compress itself. */
  readonly removeAcceptEncoding: boolean;
  /** zlib's: level -1 (its default) to 9, window 9 to 15 (log2 of bytes), memory 1 to 9. */
  readonly gzip: { readonly level: number; readonly windowBits: number; readonly memoryLevel: number };
  /** Quality, 0 to 11. */
  readonly brotliQuality: number;
  /** Level, 1 to 19. */
  readonly zstdLevel: number;
}

/** Who may call: the Module's ip_allow or ip_deny. Addresses and ranges as they were written (CIDR). */
export interface AddressRules {
  /** `allow`: only whom a range names; `deny`: all others. */
  readonly action: 'allow' | 'deny';
  /** Ranges of the other end of the connection. */
  readonly peer: readonly string[];
  /** Ranges of the client, after PROXY headers and the proxies that are believed. */
  readonly remote: readonly string[];
}

/** Nobody may: rules that cannot be read open no door. */
export const closedToAll: AddressRules = { action: 'allow', peer: [], remote: [] };

/** What holds for the heads of all calls; Ambassador's Module. */
export interface HttpSettings {
  /** The peer of a connection is a client or a proxy that is appended to x-forwarded-for; false: x-forwarded-* are believed as they come. */
  readonly useRemoteAddress: boolean;
  /** A client's x-request-id is kept. */
  readonly preserveRequestId: boolean;
  /** Traces are begun where none came (W3C Trace Context), so many percent of them marked as sampled; null = none are begun. */
  readonly traceSampledPercent: number | null;
  /** The name that requests carry in `via` (RFC 9110 7.6.3); null = no `via`. */
  readonly via: string | null;
  /** Requests carry `forwarded` (RFC 7239). */
  readonly forwarded: boolean;
  /** Requests carry x-forwarded-host and x-forwarded-port. */
  readonly forwardedHost: boolean;
  /** x-envoy-original-path, x-envoy-expected-rq-timeout-ms and x-envoy-upstream-service-time are written. */
  readonly envoyHeaders: boolean;
  /** What every answer says in `server`; null = the upstream's. */
  readonly serverName: string | null;
  /** Null = not written: x-forwarded-client-cert is kept from trusted hops and removed from all others. */
  readonly clientCertMode: ClientCertMode | null;
  readonly clientCertDetails: ClientCertDetails;
  readonly path: PathRules;
  /** The port of Host and :authority is taken off where it is the listener's. */
  readonly stripMatchingPort: boolean;
  /** What becomes of request fields with an underscore in their name. */
  readonly underscores: 'allow' | 'reject' | 'drop';
  /** Null = answers stay as they are. */
  readonly compression: Compression | null;
  /** Each of them has to let a call through. */
  readonly addressRules: readonly AddressRules[];
}

/** What holds where nobody has written anything. */
export const defaultHttpSettings: HttpSettings = {
  useRemoteAddress: true,
  preserveRequestId: false,
  traceSampledPercent: null,
  via: null,
  forwarded: false,
  forwardedHost: false,
  envoyHeaders: false,
  serverName: null,
  clientCertMode: null,
  clientCertDetails: { subject: false, cert: false, chain: false, dns: false, uri: false },
  path: { mergeSlashes: false, escapedSlashes: 'keep' },
  stripMatchingPort: false,
  underscores: 'allow',
  compression: null,
  addressRules: [],
};
