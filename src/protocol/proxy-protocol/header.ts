/** The two ends of the connection that a proxy speaks for. */
export interface ProxyEndpoints {
  readonly family: 4 | 6;
  /** Addresses in their canonical form (RFC 5952), without brackets. */
  readonly source: string;
  /** 0 to 65535, as the other port. */
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

/** What reading a header came to. */
export type ProxyHeader =
  /** More bytes are needed; reading begins anew. */
  | { readonly state: 'incomplete' }
  | {
      readonly state: 'ok';
      readonly version: 1 | 2;
      /** Position behind the header: where the connection's own bytes begin. */
      readonly end: number;
      /** null = the connection's own ends count: the proxy speaks for itself (LOCAL), or cannot tell (UNKNOWN, UNSPEC). */
      readonly endpoints: ProxyEndpoints | null;
    }
  /** The connection has to be dropped. */
  | { readonly state: 'refused'; readonly problem: string };

/** There may be more to come. */
export const incomplete: ProxyHeader = { state: 'incomplete' };

/** The problem of bytes that do not even begin as a header does. */
export const noProxyHeader = 'no PROXY header';

/** A header that is none. @param problem one sentence without a full stop. */
export function refused(problem: string): ProxyHeader {
  return { state: 'refused', problem };
}

/** True for a whole number of 0 to 65535. */
export function isPortNumber(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}
