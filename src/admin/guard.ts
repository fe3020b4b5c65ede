import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** What stands before the admin's pages. */
export interface GuardOptions {
  /** Address that the server is bound to. */
  readonly address: string;
  /** Token for reading on an address that is not loopback; null = there is none, and nobody may read. */
  readonly token: string | null;
  /** It is a socket in the file system, which only its owner can open: everybody who comes may do everything. */
  readonly socket: boolean;
}

/** What of a request the guard looks at. */
export interface GuardedRequest {
  readonly path: string;
  /** GET and HEAD read, all others write. */
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly authorization: string | undefined;
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly error: string;
}

/** Answer without a token on every address: probes and scrapes. */
const openPaths: ReadonlySet<string> = new Set([
  '/metrics',
  '/healthz',
  '/readyz',
  '/ambassador/v0/check_alive',
  '/ambassador/v0/check_ready',
]);

/** Whether an address is reached from this machine only. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/**
 * On loopback reading is open, but a foreign Host header (DNS rebinding) is refused; on any other address only health and
 * `/metrics` answer without a token. A cross-origin request is refused everywhere. Loopback proves nothing about who asks, so
 * writing needs the socket or the token everywhere. Null = go on.
 */
export function refusal(request: GuardedRequest, options: GuardOptions): Refusal | null {
  if (options.socket) return null;
  const local = isLoopback(options.address);
  const hostname = hostnameOf(request.host ?? '');
  if (local && !(isLoopback(hostname) || hostname === options.address)) {
    return { status: 403, error: `the Host header names "${request.host ?? ''}", which is not this machine` };
  }
  const foreignOrigin = request.origin !== undefined && hostOfOrigin(request.origin) !== request.host;
  if (foreignOrigin || request.fetchSite === 'cross-site') {
    return { status: 403, error: 'cross-origin requests are refused' };
  }
  const writes = request.method !== 'GET' && request.method !== 'HEAD';
  if (!writes && (local || openPaths.has(request.path))) return null;
  if (options.token === null) {
    return {
      status: 401,
      error: writes
        ? 'this changes something: ask through the socket (--state DIR), or start with --admin-token-file FILE'
        : 'reading this from another machine needs a token: start with --admin-token-file FILE',
    };
  }
  if (!sameText(request.authorization ?? '', `Bearer ${options.token}`)) {
    return { status: 401, error: 'send the token of --admin-token-file as "Authorization: Bearer TOKEN"' };
  }
  return null;
}

function hostnameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host)?.[1];
  return bracketed ?? host.replace(/:\d+$/, '').toLowerCase();
}

function hostOfOrigin(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
