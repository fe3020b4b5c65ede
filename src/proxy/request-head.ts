import { noTimeout } from '../protocol/grpc/timeout.ts';
import {
  decodePlain,
  encodePlain,
  type PlainField,
  plainFieldRoom,
  writePlainField,
} from '../protocol/hpack/plain.ts';
import { isAuthority } from '../protocol/http1/authority.ts';
import { encodeLines } from '../protocol/http1/lines.ts';
import { isTarget, requestLine as startLine } from '../protocol/http1/start-lines.ts';
import { rewritePath } from '../routing/index.ts';
import { deadlineOf } from './deadline.ts';
import type { Exchange } from './exchange.ts';
import { editHead } from './header-edits.ts';
import type { Random } from './random.ts';
import type { BackendRuntime } from './route-runtime.ts';
import type { OutgoingHead } from './sides.ts';
import { newKey, withKey, withoutKey } from './upgrade.ts';

/** Value of a field; several lines are joined with ",", cookies with "; " (RFC 9113 8.2.3); undefined when there is none. */
export function fieldValue(fields: readonly PlainField[], name: string): string | undefined {
  const separator = name === 'cookie' ? '; ' : ',';
  let value: string | undefined;
  for (const field of fields) {
    if (field.name === name) value = value === undefined ? field.value : value + separator + field.value;
  }
  return value;
}

/**
 * What begins a request to the upstream: pseudo-header fields, or request line and Host. Always written anew from what
 * was understood, and remembered with the path. Null when HTTP/1.1 has no form for it.
 */
export function requestLine(exchange: Exchange, backend: BackendRuntime): Buffer | null {
  const path = exchange.pathInfo;
  const { envoyHeaders } = path.http;
  // Envoy's fields are not the same for gRPC, whose calls have no limit of their own.
  const key = envoyHeaders && exchange.grpc ? `grpc ${exchange.method}` : exchange.method;
  const known = path.line(backend, exchange.authority, key);
  if (known !== null) return known;
  const more = envoyHeaders ? envoyFields(exchange, backend) : [];
  const rewrite = backend.backend.rewrite;
  const sent = path.text === '*' ? '*' : rewritePath(rewrite, path.path) + path.query;
  const authority = backend.backend.hostRewrite ?? exchange.authority.text;
  const line =
    backend.backend.protocol === 'http1'
      ? http1Line(exchange.method, sent, authority, more)
      : encodePlain([
          { name: ':method', value: exchange.method, neverIndexed: false },
          { name: ':scheme', value: backend.backend.tls === null ? 'http' : 'https', neverIndexed: false },
          { name: ':path', value: sent, neverIndexed: false },
          { name: ':authority', value: authority, neverIndexed: false },
          ...more,
        ]);
  if (line === null) return null;
  path.keepLine(backend, exchange.authority, key, line);
  return line;
}

/**
 * What Envoy tells upstreams of a route; it stands with the request line, since it depends on the same. The limit is the
 * route's: what a gRPC call says of its own stands in its grpc-timeout.
 */
function envoyFields(exchange: Exchange, backend: BackendRuntime): PlainField[] {
  const { pathInfo: path, grpc } = exchange;
  const fields: PlainField[] = [];
  const limit = deadlineOf({ grpc, timeoutMs: noTimeout }, backend);
  if (limit > 0) {
    fields.push({ name: 'x-envoy-expected-rq-timeout-ms', value: String(limit), neverIndexed: false });
  }
  if (backend.backend.rewrite.kind !== 'keep' && path.text !== '*') {
    const original = visible(path.path + path.query);
    fields.push({ name: 'x-envoy-original-path', value: original, neverIndexed: false });
  }
  return fields;
}

/**
 * Puts the head that `head` names (kept in the exchange's form) into what the backend's protocol wants, with the
 * backend's edits; false when it cannot be said in it.
 */
export function prepareHead(exchange: Exchange, backend: BackendRuntime, head: OutgoingHead): boolean {
  const { protocol, requestHeaders } = backend.backend;
  const { upgrade } = exchange;
  const line = requestLine(exchange, backend);
  if (line === null) return false;
  head.line = upgrade === '' || protocol === 'http1' ? line : connectLine(line, upgrade);
  head.contentLength = exchange.contentLength;
  head.upgrade = upgrade;
  if (backend.editsRequest) {
    head.bytes = editHead(requestHeaders, head.bytes, head.start, head.end, exchange.lines);
    head.start = 0;
    head.end = head.bytes.length;
    head.marks = null;
  }
  if (exchange.lines === (protocol === 'http1')) return true;
  if (upgrade === 'websocket') {
    if (protocol === 'http1') exchange.key = newKey();
    const edits = protocol === 'http1' ? withKey(exchange.key) : withoutKey;
    head.bytes = editHead(edits, head.bytes, head.start, head.end, exchange.lines);
    head.start = 0;
    head.end = head.bytes.length;
  }
  const { forms } = exchange.gateway;
  const length = exchange.lines
    ? forms.requestToPlain(head.bytes, head.start, head.end, exchange.contentLength, exchange.grpc)
    : forms.toLines(head.bytes, head.start, head.end);
  head.bytes = forms.bytes;
  head.start = 0;
  head.end = length;
  head.marks = null;
  return length >= 0;
}

/** A request line of HTTP/2 as that of an extended CONNECT (RFC 8441 4). */
function connectLine(line: Buffer, protocol: string): Buffer {
  const fields: PlainField[] = decodePlain(line, 0, line.length).map((field) =>
    field.name === ':method' ? { ...field, value: 'CONNECT' } : field,
  );
  return encodePlain([...fields, { name: ':protocol', value: protocol, neverIndexed: false }]);
}

/** Bytes above ASCII are what some clients send raw; where they have to be encoded (RFC 3986 2.1). */
function visible(target: string): string {
  return target.replace(/[\x7f-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function http1Line(
  method: string,
  target: string,
  authority: string,
  more: readonly PlainField[],
): Buffer | null {
  const host = Buffer.from(authority, 'latin1');
  if (host.length > 0 && !isAuthority(host, 0, host.length)) return null;
  const encoded = visible(target);
  if (!isTarget(encoded)) return null;
  const fields = encodeLines([{ name: 'Host', value: authority }, ...more]);
  return Buffer.concat([startLine(method, encoded), fields]);
}

const name = 'x-request-id';
const template = Buffer.alloc(plainFieldRoom(name, '0'.repeat(36)));
// Digits of a UUID are 5 to 7 bits as Huffman code; written raw, the field has a fixed place for each of them.
const nameEnd = writePlainField(template, 0, name, '');
template[nameEnd - 1] = 36;
const idStart = nameEnd;

/** Bytes of an `x-request-id` field. */
export const requestIdBytes: number = idStart + 36;

/** Two digits for each byte. */
const hexPairs: Uint8Array = Buffer.from(
  Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join(''),
  'latin1',
);

/** Writes `x-request-id` with a random UUID (RFC 9562, version 4); returns the end. */
export function writeRequestId(target: Buffer, at: number, random: Random): number {
  for (let i = 0; i < idStart; i++) target[at + i] = template[i]!;
  return writeUuid(target, at + idStart, random);
}

const lineStart = Buffer.from(`${name}: `, 'latin1');

/** Bytes of an `x-request-id` line. */
export const requestIdLineBytes: number = lineStart.length + 38;

/** Writes `x-request-id` as a line of HTTP/1.1; returns the end. */
export function writeRequestIdLine(target: Buffer, at: number, random: Random): number {
  for (let i = 0; i < lineStart.length; i++) target[at + i] = lineStart[i]!;
  const to = writeUuid(target, at + lineStart.length, random);
  target[to] = 0x0d;
  target[to + 1] = 0x0a;
  return to + 2;
}

function writeUuid(target: Buffer, at: number, random: Random): number {
  let to = at;
  for (let i = 0; i < 4; i++) {
    let bits = random.next();
    if (i === 1) bits = (bits & ~0xf000) | 0x4000;
    else if (i === 2) bits = (bits & 0x3fffffff) | 0x80000000;
    for (let shift = 24; shift >= 0; shift -= 8) {
      if (dashBefore[i * 4 + 3 - (shift >> 3)] === 1) target[to++] = 0x2d;
      const pair = ((bits >>> shift) & 0xff) * 2;
      target[to++] = hexPairs[pair]!;
      target[to++] = hexPairs[pair + 1]!;
    }
  }
  return to;
}

/** Bytes of a UUID that stand behind a dash. */
const dashBefore = new Uint8Array(16);
for (const byte of [4, 6, 8, 10]) dashBefore[byte] = 1;
