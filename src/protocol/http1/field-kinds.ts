import { droppedPrefix, fieldKind, knownFields } from '../hpack/field-names.ts';
import { lowerCase } from './byte-classes.ts';

/**
 * What is done with a field of an HTTP/1.1 message. Numbers below 32 are those of `fieldKind`: what the gateway itself
 * drops or reads is one table for both protocols. The ones above are HTTP/1.1's own.
 */
export const lineKind = {
  ...fieldKind,
  connection: 32,
  transferEncoding: 33,
  upgrade: 34,
  expect: 35,
  /** About this connection only, and without a meaning for the gateway: not sent on. */
  hopByHop: 36,
  keepAlive: 37,
} as const;

/** Names that only HTTP/1.1 knows, or knows more about. Proxy-Connection was never standardised (RFC 9110 7.6.1). */
const hopByHop: readonly (readonly [name: string, kind: number])[] = [
  ['connection', lineKind.connection],
  ['keep-alive', lineKind.keepAlive],
  ['proxy-connection', lineKind.hopByHop],
  ['http2-settings', lineKind.hopByHop],
  ['transfer-encoding', lineKind.transferEncoding],
  ['upgrade', lineKind.upgrade],
];

/** Finds the kind of a name in any case, by its length and first letter and then by all of it. */
export class FieldKinds {
  readonly #first = new Uint8Array(32 * 32);
  readonly #names: Buffer[] = [Buffer.alloc(0)];
  readonly #kinds: number[] = [0];
  readonly #next: number[] = [0];
  readonly #prefix: Buffer;
  readonly #prefixKind: number;

  /** @param names in lower case, shorter than 32; @param prefix names that begin so have the kind `prefixKind`; '' = none. */
  constructor(names: readonly (readonly [name: string, kind: number])[], prefix = '', prefixKind = 0) {
    for (const [name, kind] of names) {
      const bytes = Buffer.from(name, 'latin1');
      const slot = (bytes.length << 5) | (bytes[0]! & 31);
      this.#names.push(bytes);
      this.#kinds.push(kind);
      this.#next.push(this.#first[slot]!);
      this.#first[slot] = this.#names.length - 1;
    }
    this.#prefix = Buffer.from(prefix, 'latin1');
    this.#prefixKind = prefixKind;
  }

  /** Kind of the token `bytes[start, end)`; 0 (`other`) when it is not known. */
  of(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const first = bytes[start]! & 31;
    if (length < 32) {
      for (let i = this.#first[(length << 5) | first]!; i !== 0; i = this.#next[i]!) {
        if (begins(bytes, start, this.#names[i]!)) return this.#kinds[i]!;
      }
    }
    const prefix = this.#prefix;
    if (prefix.length === 0 || first !== (prefix[0]! & 31) || length < prefix.length) return 0;
    return begins(bytes, start, prefix) ? this.#prefixKind : 0;
  }
}

function begins(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (lowerCase[bytes[start + i]!] !== name[i]) return false;
  return true;
}

/** Requests: cookies, date and grpc-status mean nothing to the reader of a request, so they are not looked for. */
const ofRequests = knownFields.filter(
  ([name, kind]) =>
    !name.startsWith(':') &&
    kind !== fieldKind.connectionSpecific &&
    kind !== fieldKind.cookie &&
    kind !== fieldKind.date &&
    kind !== fieldKind.grpcStatus,
);

/** Kinds of the fields of requests: what the HTTP/2 decoder drops is dropped here, too. */
export const requestKinds: FieldKinds = new FieldKinds(
  [...ofRequests, ...hopByHop, ['expect', lineKind.expect]],
  droppedPrefix,
  lineKind.dropped,
);

/** Kinds of the fields of answers. */
export const responseKinds: FieldKinds = new FieldKinds([
  ...hopByHop,
  ['content-length', lineKind.contentLength],
  ['grpc-status', lineKind.grpcStatus],
  ['date', lineKind.date],
]);

/** Trailers have no framing and no hop: which of them go on is decided when they are converted (`trailers.ts`). */
export const noKinds: FieldKinds = new FieldKinds([]);
