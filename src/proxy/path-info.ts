import type { WireValue } from '../protocol/hpack/value-cache.ts';
import { normalisePath } from '../routing/index.ts';
import { defaultHttp, type HttpRuntime } from './http-runtime.ts';
import type { BackendRuntime, RouteRuntime } from './route-runtime.ts';

/** An authority as it came: one object for each spelling. */
export type AuthorityInfo = WireValue;

/** How many backends' request lines are kept per path. */
const mostLines = 4;

/**
 * A `:path` with everything that was found out about it: its parts, the route that it took last (with which
 * authority, method and listener, and in which generation of the routes), and the pseudo-header fields that
 * were written for it. All of it depends on the bytes and the configuration alone, never on who asked.
 */
export class PathInfo implements WireValue {
  readonly encoded: Buffer;
  readonly text: string;
  /** Normalised, without the query. */
  path = '';
  /** With its question mark, or ''. */
  query = '';
  /** False when it has to be refused with 400. */
  valid = false;
  /** Ambassador's health checks, which every listener answers; null = none of them. */
  probe: 'alive' | 'ready' | null = null;
  /** The settings that it was read by. */
  http: HttpRuntime = defaultHttp;

  generation = -1;
  authority: AuthorityInfo | null = null;
  method = '';
  listener = '';
  route: RouteRuntime | null = null;

  #lineAuthority: AuthorityInfo | null = null;
  #lineMethod = '';
  #lineBackends: BackendRuntime[] = [];
  #lines: Buffer[] = [];

  constructor(wire: WireValue) {
    this.encoded = wire.encoded;
    this.text = wire.text;
    this.follow(defaultHttp);
  }

  /** Reads it by other settings, and forgets what was found out by the ones before. */
  follow(http: HttpRuntime): void {
    const { text } = this;
    const at = text.indexOf('?');
    const raw = at < 0 ? text : text.slice(0, at);
    this.query = at < 0 ? '' : text.slice(at);
    const visible = raw.startsWith('/') && isVisible(text);
    const normal = visible ? normalisePath(raw, http.path) : { error: 'bad path' };
    this.valid = 'path' in normal || text === '*';
    this.path = 'path' in normal ? normal.path : raw;
    this.probe = probeOf(this.path);
    this.http = http;
    this.generation = -1;
    this.#lineAuthority = null;
    this.#lineBackends = [];
    this.#lines = [];
  }

  /** The pseudo-header fields that were written for this backend, or null. */
  line(backend: BackendRuntime, authority: AuthorityInfo, method: string): Buffer | null {
    if (this.#lineAuthority !== authority || this.#lineMethod !== method) return null;
    const backends = this.#lineBackends;
    for (let i = 0; i < backends.length; i++) if (backends[i] === backend) return this.#lines[i]!;
    return null;
  }

  /** Remembers them. */
  keepLine(backend: BackendRuntime, authority: AuthorityInfo, method: string, line: Buffer): void {
    if (this.#lineAuthority !== authority || this.#lineMethod !== method) {
      this.#lineAuthority = authority;
      this.#lineMethod = method;
      this.#lineBackends = [];
      this.#lines = [];
    }
    if (this.#lines.length === mostLines) {
      this.#lineBackends.shift();
      this.#lines.shift();
    }
    this.#lineBackends.push(backend);
    this.#lines.push(line);
  }
}

function probeOf(path: string): 'alive' | 'ready' | null {
  if (path === '/ambassador/v0/check_alive') return 'alive';
  return path === '/ambassador/v0/check_ready' ? 'ready' : null;
}

/** No space, control or fragment (RFC 9113 8.3.1, RFC 9112 3.2: a request-target has none). */
function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c <= 0x20 || c === 0x7f || c === 0x23) return false;
  }
  return true;
}

/** What a request without Host and :authority names. */
export const noAuthority: AuthorityInfo = { encoded: Buffer.from([0]), text: '' };
/** CONNECT has no path. */
export const noPath: PathInfo = new PathInfo({ encoded: Buffer.from([1, 0x2a]), text: '*' });
