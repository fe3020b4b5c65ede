import { encodePlain, type PlainField, plainFieldRoom, writePlainField } from '../protocol/hpack/plain.ts';
import { rewritePath } from '../routing/index.ts';
import type { Exchange } from './exchange.ts';
import type { Random } from './random.ts';
import type { BackendRuntime } from './route-runtime.ts';

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
 * The pseudo-header fields for the upstream: always written anew from what was understood, and remembered
 * with the path.
 */
export function requestLine(exchange: Exchange, backend: BackendRuntime): Buffer {
  const path = exchange.pathInfo;
  const known = path.line(backend, exchange.authority, exchange.method);
  if (known !== null) return known;
  const rewrite = backend.backend.rewrite;
  const sent = path.text === '*' ? '*' : rewritePath(rewrite, path.path) + path.query;
  const line = encodePlain([
    { name: ':method', value: exchange.method, neverIndexed: false },
    { name: ':scheme', value: 'http', neverIndexed: false },
    { name: ':path', value: sent, neverIndexed: false },
    {
      name: ':authority',
      value: backend.backend.hostRewrite ?? exchange.authority.text,
      neverIndexed: false,
    },
  ]);
  path.keepLine(backend, exchange.authority, exchange.method, line);
  return line;
}

/** Fields that every request of one client connection carries: who it is, and what it spoke. */
export function forwardedBlock(forwardedFor: string): Buffer {
  return encodePlain([
    { name: 'x-forwarded-for', value: forwardedFor, neverIndexed: false },
    { name: 'x-forwarded-proto', value: 'http', neverIndexed: false },
  ]);
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
  let to = at + idStart;
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
