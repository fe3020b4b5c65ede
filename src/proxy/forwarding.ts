import { isIP, isIPv6 } from 'node:net';
import type { PlainField } from '../protocol/hpack/plain.ts';

/** Members of a list (RFC 9110 5.6.1) that has no quoted strings in it. */
function listOf(text: string | null): string[] {
  if (text === null) return [];
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/**
 * The client's address as Envoy computes it ("x-forwarded-for" in its manual): with `hops` proxies that are believed, the
 * one that the outermost of them has seen. Where the list is too short for that, or has no address there, it is the peer's.
 * @param forwardedFor x-forwarded-for as it came. @param peer the address of the connection.
 * @param usesPeer use_remote_address: the peer itself is appended to the list (and counts as its last one).
 */
export function trustedAddress(
  forwardedFor: string | null,
  peer: string,
  hops: number,
  usesPeer: boolean,
): string {
  const chain = listOf(forwardedFor);
  const fromRight = usesPeer ? hops : hops + 1;
  if (fromRight === 0 || chain.length < fromRight) return peer;
  return addressOf(chain[chain.length - fromRight]!) ?? peer;
}

/** An address, perhaps in brackets and with a port, as some proxies write it; null when it is none. */
function addressOf(text: string): string | null {
  const bare =
    /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
  return isIP(bare) === 0 ? null : bare;
}

/**
 * What the outermost proxy that is believed said of the client's scheme: a proxy may append its own behind the client's,
 * so it is counted from the right. Null when nothing valid was said.
 */
export function trustedScheme(aside: readonly PlainField[], hops: number): 'http' | 'https' | null {
  const value = valuesOf(aside, 'x-forwarded-proto');
  // What almost all of them say.
  if (value === null || value === 'https' || value === 'http') return value;
  const said = listOf(value).map((one) => one.toLowerCase());
  const scheme = said[Math.max(0, said.length - Math.max(1, hops))];
  return scheme === 'http' || scheme === 'https' ? scheme : null;
}

/** All values of a field, joined with `separator`; null when there is none. */
export function valuesOf(fields: readonly PlainField[], name: string, separator = ', '): string | null {
  let value: string | null = null;
  for (const field of fields) {
    if (field.name === name) value = value === null ? field.value : value + separator + field.value;
  }
  return value;
}

/** An element of `forwarded` (RFC 7239 4). @param host as the client has named it; '' = it has not. */
export function forwardedElement(client: string, host: string, scheme: string): string {
  // Section 6: an IPv6 address stands in brackets, and therefore in quotes.
  const node = isIPv6(client) ? `"[${client}]"` : client === '' ? 'unknown' : client;
  const quoted = host.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&');
  return `for=${node};${host === '' ? '' : `host="${quoted}";`}proto=${scheme}`;
}

/** The port that a client has named, or the scheme's own. */
export function portOf(host: string, scheme: 'http' | 'https'): string {
  return /:(\d{1,5})$/.exec(host)?.[1] ?? (scheme === 'https' ? '443' : '80');
}
