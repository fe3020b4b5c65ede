import { staticCount, staticTable } from './static-table.ts';

/**
 * What the gateway does with a field, by its name. Small integers because the hot path switches on them;
 * everything that no rule of HTTP or of the gateway is about is `other` and goes through as it came.
 */
export const fieldKind = {
  other: 0,
  authority: 1,
  method: 2,
  path: 3,
  scheme: 4,
  status: 5,
  protocol: 6,
  unknownPseudo: 7,
  /** Malformed in HTTP/2: connection, keep-alive, proxy-connection, transfer-encoding, upgrade (RFC 9113 8.2.2). */
  connectionSpecific: 8,
  te: 9,
  host: 10,
  contentLength: 11,
  contentType: 12,
  grpcTimeout: 13,
  /** Written by the gateway itself; what an untrusted client sent is removed. */
  dropped: 14,
  forwardedFor: 15,
  cookie: 16,
  grpcStatus: 17,
  /** Goes through as it came, unless the gateway's settings are about it. */
  noted: 18,
  date: 19,
} as const;

/** The names that are not `other`, in lower case. Readers of other protocols take what they need of it. */
export const knownFields: readonly (readonly [name: string, kind: number])[] = [
  [':authority', fieldKind.authority],
  [':method', fieldKind.method],
  [':path', fieldKind.path],
  [':scheme', fieldKind.scheme],
  [':status', fieldKind.status],
  [':protocol', fieldKind.protocol],
  ['connection', fieldKind.connectionSpecific],
  ['keep-alive', fieldKind.connectionSpecific],
  ['proxy-connection', fieldKind.connectionSpecific],
  ['transfer-encoding', fieldKind.connectionSpecific],
  ['upgrade', fieldKind.connectionSpecific],
  ['te', fieldKind.te],
  ['host', fieldKind.host],
  ['content-length', fieldKind.contentLength],
  ['content-type', fieldKind.contentType],
  ['grpc-timeout', fieldKind.grpcTimeout],
  ['x-request-id', fieldKind.dropped],
  ['x-forwarded-proto', fieldKind.dropped],
  ['x-forwarded-host', fieldKind.dropped],
  ['x-forwarded-port', fieldKind.dropped],
  ['x-forwarded-client-cert', fieldKind.dropped],
  ['x-forwarded-for', fieldKind.forwardedFor],
  ['cookie', fieldKind.cookie],
  ['grpc-status', fieldKind.grpcStatus],
  ['date', fieldKind.date],
  ['traceparent', fieldKind.noted],
  ['tracestate', fieldKind.noted],
  ['forwarded', fieldKind.noted],
];

/** Names that begin so are `dropped`. */
export const droppedPrefix = 'x-envoy-';

const kinds = new Map(knownFields);

/** The kind of a field name in lower case. */
export function kindOfName(name: string): number {
  const kind = kinds.get(name);
  if (kind !== undefined) return kind;
  if (name.charCodeAt(0) === 0x3a) return fieldKind.unknownPseudo;
  return name.startsWith(droppedPrefix) ? fieldKind.dropped : fieldKind.other;
}

/** Kinds of the static table's names, by index. */
export const staticKinds = new Uint8Array(staticCount + 1);
for (let i = 1; i <= staticCount; i++) staticKinds[i] = kindOfName(staticTable[i]![0]);

/** Open addressing over the known names' bytes, so that a literal name needs no string to be recognised. */
const slotCount = 128;
const slotName: (Buffer | undefined)[] = new Array(slotCount).fill(undefined);
const slotKind = new Uint8Array(slotCount);
for (const [name, kind] of knownFields) {
  const bytes = Buffer.from(name, 'latin1');
  let slot = hashOf(bytes, 0, bytes.length);
  while (slotName[slot] !== undefined) slot = (slot + 1) % slotCount;
  slotName[slot] = bytes;
  slotKind[slot] = kind;
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  return (length * 31 + bytes[start]! * 7 + bytes[end - 1]! * 3 + bytes[start + (length >>> 1)]!) % slotCount;
}

/** tchar of RFC 9110 5.6.2 without upper case (RFC 9113 8.2.1). */
const isNameByte = new Uint8Array(256);
for (const c of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") isNameByte[c.charCodeAt(0)] = 1;

/** The name has a character that no field name may have, is empty, or has upper case. */
export const invalidName = -1;

/** Kind of the name in `bytes`, or {@link invalidName}. */
export function kindOfBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end === start) return invalidName;
  const pseudo = bytes[start] === 0x3a;
  for (let i = pseudo ? start + 1 : start; i < end; i++) if (isNameByte[bytes[i]!] === 0) return invalidName;
  for (let slot = hashOf(bytes, start, end); ; slot = (slot + 1) % slotCount) {
    const name = slotName[slot];
    if (name === undefined) break;
    if (name.length === end - start && sameBytes(name, bytes, start)) return slotKind[slot]!;
  }
  if (pseudo) return fieldKind.unknownPseudo;
  return end - start > 8 && startsWithEnvoy(bytes, start) ? fieldKind.dropped : fieldKind.other;
}

function sameBytes(name: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}

const envoyPrefix = Buffer.from(droppedPrefix, 'latin1');

function startsWithEnvoy(bytes: Uint8Array, start: number): boolean {
  return sameBytes(envoyPrefix, bytes, start);
}
