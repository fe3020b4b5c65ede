import { isGrpcContentType } from '../grpc/status.ts';
import { noTimeout, parseGrpcTimeout } from '../grpc/timeout.ts';
import type { Arena } from '../hpack/arena.ts';
import type { PlainField } from '../hpack/plain.ts';
import type { ValueCache, WireValue } from '../hpack/value-cache.ts';
import { isAuthority } from './authority.ts';
import { byte, equalsIgnoreCase, isTokenByte, lowerCase } from './byte-classes.ts';
import { lineKind, requestKinds } from './field-kinds.ts';
import { FieldSection, headResult, type SectionLimits } from './field-section.ts';
import { methodOf } from './methods.ts';
import { targetEnd } from './scan.ts';

/** What the reader of requests shares with the rest of a worker. */
export interface RequestHeadShared<P extends WireValue, A extends WireValue> extends SectionLimits {
  readonly arena: Arena;
  /** Caches of plain text (`plainText`): targets in origin-form, and authorities, as they came. */
  readonly paths: ValueCache<P>;
  readonly authorities: ValueCache<A>;
  /** Most bytes of a request target. */
  readonly maxTarget: number;
}

/** Empty lines in front of a request line that are passed over (RFC 9112 2.2); more are refused. */
const mostEmptyLines = 4;
const longestMethod = 32;
/** What must be free in the arena behind the lines, for what the caller adds. */
const reserve = 4096;

/**
 * Reads heads of HTTP/1.0 and 1.1 requests (RFC 9112 3, 5, 6.1, 6.3). One for a worker: its values are those of the
 * request that was read last. The lines that go on are written to the arena as they came; what the gateway says itself
 * about the hop and the client is taken out, by the same table as in the HTTP/2 decoder.
 */
export class RequestHead<P extends WireValue, A extends WireValue> extends FieldSection {
  readonly #shared: RequestHeadShared<P, A>;

  method = '';
  /** Of origin-form and absolute-form; `*` of asterisk-form; null for CONNECT. */
  path: P | null = null;
  /** From an absolute-form or authority-form target, else from Host; null for HTTP/1.0 without one. */
  authority: A | null = null;
  /** Of an absolute-form target; '' when the target has none. */
  scheme: '' | 'http' | 'https' = '';
  /** HTTP/1.minor. */
  minor = 1;
  /** RFC 9110 10.1.1; never for HTTP/1.0. The line itself is among those that go on. */
  expectContinue = false;
  /** Refused, and not even meant as HTTP: what stands in the place of the version does not begin as one. */
  notHttp = false;
  /** TE holds `trailers`; the field is not among the lines. */
  teTrailers = false;
  grpc = false;
  /** Milliseconds, or `noTimeout`. */
  timeoutMs: number = noTimeout;
  /** X-Forwarded-For as it came, several lines joined; not among the lines. */
  forwardedFor: string | null = null;
  /** Fields that the gateway writes itself (`dropped`, `noted`) are put {@link aside}; set before a head is read. */
  keeps = false;
  aside: PlainField[] | null = null;
  /** The end-to-end field lines: `arena.current.bytes[linesStart, linesEnd)`, kept by moving `arena.position`. */
  linesStart = 0;
  linesEnd = 0;

  #host: A | null = null;
  /** Where the rest of the request line is; set by `#readTarget`. */
  #position = 0;

  constructor(shared: RequestHeadShared<P, A>) {
    super(requestKinds, shared);
    this.#shared = shared;
  }

  /** HTTP status of the answer to a request that was refused: 400, 414, 431, 501 or 505; else 0. */
  get status(): number {
    return this.refusal;
  }

  /** A head that is longer than this, in bytes, is refused as soon as it is read. */
  get maxHeadBytes(): number {
    return this.#shared.maxTarget + this.#shared.maxListBytes + longestMethod + 16 + 2 * mostEmptyLines;
  }

  /** Reads the head that begins at `start`; one of {@link headResult}. A head that is incomplete is read anew. */
  read(bytes: Buffer, start: number, end: number): number {
    this.#reset();
    let at = start;
    while (at < end && bytes[at] === byte.cr) {
      if (at + 1 === end) return headResult.incomplete;
      if (bytes[at + 1] !== byte.lf) return this.refuse(400, 'a CR without LF');
      if (at - start === 2 * mostEmptyLines) return this.refuse(400, 'too many empty lines');
      at += 2;
    }
    let result = this.#readLine(bytes, at, end);
    if (result !== headResult.ok) return result;
    result = this.readFields(bytes, this.#position, end);
    if (result !== headResult.ok) return result;
    result = this.finishSection(this.minor);
    if (result !== headResult.ok) return result;
    result = this.#finish();
    if (result !== headResult.ok) return result;
    const arena = this.#shared.arena;
    if (arena.room < this.lineBytes + reserve) arena.next(0, 0);
    this.linesStart = arena.position;
    this.linesEnd = this.writeLines(bytes, arena.current.bytes, arena.position);
    return headResult.ok;
  }

  #reset(): void {
    this.resetSection();
    this.method = '';
    this.path = null;
    this.authority = null;
    this.scheme = '';
    this.minor = 1;
    this.expectContinue = false;
    this.notHttp = false;
    this.teTrailers = false;
    this.grpc = false;
    this.timeoutMs = noTimeout;
    this.forwardedFor = null;
    this.aside = this.keeps ? [] : null;
    this.#host = null;
  }

  // ---- the request line

  #readLine(bytes: Buffer, start: number, end: number): number {
    let p = start;
    const most = Math.min(end, start + longestMethod + 1);
    while (p < most && isTokenByte[bytes[p]!] !== 0) p++;
    if (p === end) return headResult.incomplete;
    if (p === start + longestMethod + 1) return this.refuse(501, 'the method is too long');
    if (p === start || bytes[p] !== byte.space) return this.refuse(400, 'the request line has no method');
    this.method = methodOf(bytes, start, p);
    const from = p + 1;
    const { maxTarget } = this.#shared;
    const last = Math.min(end, from + maxTarget + 1);
    p = targetEnd(bytes, this.view.of(bytes), from, last);
    if (p - from > maxTarget) return this.refuse(414, `the target is longer than ${maxTarget} bytes`);
    if (p === end) return headResult.incomplete;
    if (bytes[p] !== byte.space || p === from) return this.#badTarget(bytes[p]!, p === from);
    const version = this.#readVersion(bytes, p + 1, end);
    if (version !== headResult.ok) return version;
    return this.#readTarget(bytes, from, p);
  }

  #badTarget(b: number, empty: boolean): number {
    if (b === byte.cr || b === byte.lf) return this.refuse(400, 'the request line has no version (HTTP/0.9)');
    if (empty) return this.refuse(400, 'the request line has no target, or more than one space');
    if (b === byte.hash) return this.refuse(400, 'the target has a fragment (RFC 9112 3.2)');
    return this.refuse(400, 'the target has a forbidden character');
  }

  #readVersion(bytes: Buffer, start: number, end: number): number {
    let p = start;
    for (let i = 0; i < versionName.length; i++, p++) {
      if (p === end) return headResult.incomplete;
      if (bytes[p] === versionName[i]) continue;
      this.notHttp = i === 0;
      return this.refuse(400, 'the request line does not end in a version');
    }
    if (end - p < 3) return headResult.incomplete;
    const major = bytes[p]! - byte.zero;
    const minor = bytes[p + 2]! - byte.zero;
    if (bytes[p + 1] !== 0x2e || major < 0 || major > 9 || minor < 0 || minor > 9) {
      return this.refuse(400, 'the request line does not end in a version');
    }
    if (major !== 1 || minor > 1) return this.refuse(505, 'the version is not HTTP/1.1 or HTTP/1.0');
    p += 3;
    if (p < end && bytes[p] !== byte.cr) return this.refuse(400, 'something behind the version');
    if (end - p < 2) return headResult.incomplete;
    if (bytes[p + 1] !== byte.lf) return this.refuse(400, 'a CR without LF');
    this.minor = minor;
    this.#position = p + 2;
    return headResult.ok;
  }

  /** The four forms of RFC 9112 3.2. */
  #readTarget(bytes: Buffer, start: number, end: number): number {
    const first = bytes[start]!;
    if (this.method === 'CONNECT') {
      // Authority-form: a port must be there.
      if (!isAuthority(bytes, start, end) || !hasPort(bytes, start, end)) {
        return this.refuse(400, 'the target of CONNECT is not host:port');
      }
      this.authority = this.#shared.authorities.get(bytes, start, end);
      return headResult.ok;
    }
    if (first === byte.slash) {
      this.path = this.#shared.paths.get(bytes, start, end);
      return headResult.ok;
    }
    if (first === 0x2a && end - start === 1) {
      if (this.method !== 'OPTIONS') return this.refuse(400, 'the target * is for OPTIONS only');
      this.path = this.#shared.paths.get(bytes, start, end);
      return headResult.ok;
    }
    return this.#readAbsolute(bytes, start, end);
  }

  #readAbsolute(bytes: Buffer, start: number, end: number): number {
    let from: number;
    if (startsWith(bytes, start, end, httpScheme)) {
      this.scheme = 'http';
      from = start + httpScheme.length;
    } else if (startsWith(bytes, start, end, httpsScheme)) {
      this.scheme = 'https';
      from = start + httpsScheme.length;
    } else return this.refuse(400, 'the target has none of the forms of RFC 9112 3.2');
    let p = from;
    while (p < end && bytes[p] !== byte.slash && bytes[p] !== byte.question) p++;
    if (!isAuthority(bytes, from, p)) return this.refuse(400, 'the authority in the target is not valid');
    this.authority = this.#shared.authorities.get(bytes, from, p);
    const paths = this.#shared.paths;
    if (p < end && bytes[p] === byte.slash) this.path = paths.get(bytes, p, end);
    // RFC 9112 3.2.4: OPTIONS without path and query is about the server, and is sent on as *.
    else if (p === end && this.method === 'OPTIONS') this.path = paths.get(asterisk, 0, 1);
    else {
      const text = Buffer.from(`/${bytes.toString('latin1', p, end)}`, 'latin1');
      this.path = paths.get(text, 0, text.length);
    }
    return headResult.ok;
  }

  // ---- the fields

  protected override take(kind: number, bytes: Buffer, start: number, end: number): boolean {
    switch (kind) {
      case lineKind.host:
        this.#takeHost(bytes, start, end);
        return false;
      case lineKind.te:
        if (holdsTrailers(bytes, start, end)) this.teTrailers = true;
        return false;
      case lineKind.contentType:
        // The comparison needs a string: it is made only of what looks like it.
        this.grpc =
          end - start >= 16 && bytes[start + 12] === 0x67 && isGrpcContentType(text(bytes, start, end));
        return true;
      case lineKind.grpcTimeout:
        this.timeoutMs = parseGrpcTimeout(bytes, start, end);
        return true;
      case lineKind.forwardedFor: {
        const value = text(bytes, start, end);
        this.forwardedFor = this.forwardedFor === null ? value : `${this.forwardedFor}, ${value}`;
        return false;
      }
      case lineKind.expect:
        // RFC 9110 10.1.1: ignored in HTTP/1.0, and so not sent on in a version that would obey it.
        if (this.minor === 0) return false;
        if (equalsIgnoreCase(bytes, start, end, continueExpectation)) this.expectContinue = true;
        return true;
      case lineKind.dropped:
      case lineKind.noted:
        if (this.aside === null) return kind === lineKind.noted;
        this.aside.push({
          name: text(bytes, this.nameStart, this.nameEnd).toLowerCase(),
          value: text(bytes, start, end),
          neverIndexed: false,
        });
        return false;
      default:
        return false;
    }
  }

  /** RFC 9112 3.2: exactly one, and a valid one. */
  #takeHost(bytes: Buffer, start: number, end: number): void {
    if (this.#host !== null) {
      this.refuse(400, 'two Host lines (RFC 9112 3.2)');
      return;
    }
    const authorities = this.#shared.authorities;
    // What is found was validated when it came first.
    this.#host = authorities.find(bytes, start, end);
    if (this.#host !== null) return;
    if (isAuthority(bytes, start, end)) this.#host = authorities.get(bytes, start, end);
    else this.refuse(400, 'Host is not a valid host and port');
  }

  #finish(): number {
    const host = this.#host;
    if (host === null && this.minor === 1) return this.refuse(400, 'no Host (RFC 9112 3.2)');
    if (this.authority === null) this.authority = host;
    else if (host !== null && host !== this.authority && !sameHost(host, this.authority)) {
      return this.refuse(400, 'Host is not that of the target (RFC 9112 3.2.2)');
    }
    if (this.nominated !== null) this.#forget(this.nominated);
    return headResult.ok;
  }

  /** What Connection names was meant for this hop, and this hop has no use for it. */
  #forget(names: ReadonlySet<string>): void {
    if (names.has('x-forwarded-for')) this.forwardedFor = null;
    if (this.aside !== null) this.aside = this.aside.filter(({ name }) => !names.has(name));
    if (names.has('content-type')) this.grpc = false;
    if (names.has('grpc-timeout')) this.timeoutMs = noTimeout;
    if (names.has('expect')) this.expectContinue = false;
  }
}

const versionName = Buffer.from('HTTP/', 'latin1');
const httpScheme = Buffer.from('http://', 'latin1');
const httpsScheme = Buffer.from('https://', 'latin1');
const asterisk = Buffer.from('*', 'latin1');
const continueExpectation = Buffer.from('100-continue', 'latin1');

function text(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end);
}

function startsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (lowerCase[bytes[start + i]!] !== prefix[i]) return false;
  return true;
}

function hasPort(bytes: Uint8Array, start: number, end: number): boolean {
  const last = bytes[end - 1]! - byte.zero;
  return (
    last >= 0 &&
    last <= 9 &&
    bytes.subarray(start, end).lastIndexOf(byte.colon) > bytes.subarray(start, end).lastIndexOf(0x5d)
  );
}

function sameHost(a: WireValue, b: WireValue): boolean {
  return a.text.toLowerCase() === b.text.toLowerCase();
}

/** RFC 9110 10.1.4: `trailers` is a member of the list, and has no parameters. */
function holdsTrailers(bytes: Buffer, start: number, end: number): boolean {
  return text(bytes, start, end)
    .toLowerCase()
    .split(',')
    .some((member) => member.replace(/^[ \t]+|[ \t]+$/g, '') === 'trailers');
}
