import { isToken } from '../hpack/field-values.ts';
import { byte, isBlank } from './byte-classes.ts';

const protocol = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?$/;

/**
 * Members of a comma-separated list (RFC 9110 5.6.1.2: empty ones are passed over); null when one of them is no token.
 * @param versions members may be `token/token`, as in Upgrade.
 */
export function tokenList(value: string, versions: boolean): string[] | null {
  const members: string[] = [];
  for (const part of value.split(',')) {
    const member = trim(part);
    if (member === '') continue;
    if (!(versions ? protocol.test(member) : isToken(member))) return null;
    members.push(member);
  }
  return members;
}

/** Without OWS at both ends; `String.trim` would take away other characters, too. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (start < end && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** What a Transfer-Encoding other than `chunked` is: codings that end in chunked (once), or one without a known end. */
export function readCoding(value: string): 'unsupported' | 'malformed' {
  const codings = tokenList(value.toLowerCase(), false);
  if (codings === null || codings.length < 2) return 'malformed';
  return codings.indexOf('chunked') === codings.length - 1 ? 'unsupported' : 'malformed';
}

/** Number of a Content-Length (RFC 9110 8.6): digits only, below 2^53; -1 otherwise. */
export function readLength(bytes: Uint8Array, start: number, end: number): number {
  const digits = end - start;
  if (digits < 1 || digits > 16) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - byte.zero;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}
