import { memberAt, stickyPoint } from '../balancing/sticky.ts';
import type { Split, StickyKey } from '../model/split.ts';
import type { Exchange } from './exchange.ts';
import { joinEdits } from './header-edits.ts';

const keyBytes = Buffer.alloc(16);

/**
 * The member of a sticky split that a call's key stands for. A client without the cookie gets one; one without the header has no key,
 * and null means that the call is drawn as any other.
 */
export function stickyMember(split: Split, sticky: StickyKey, exchange: Exchange): number | null {
  const key = sticky.kind === 'header' ? exchange.header(sticky.name) : cookieOf(sticky, exchange);
  if (key === undefined || key === '') return null;
  const shares = split.members.map(({ share }) => share);
  return memberAt(stickyPoint(sticky.seed, key), shares, split.denominator);
}

function cookieOf(sticky: StickyKey, exchange: Exchange): string {
  const { name, maxAgeS } = sticky;
  const known = readCookie(exchange.header('cookie'), name);
  if (known !== null) return known;
  const { random } = exchange.gateway;
  for (let at = 0; at < keyBytes.length; at += 4) keyBytes.writeInt32LE(random.next(), at);
  const key = keyBytes.toString('base64url');
  const life = maxAgeS === 0 ? '' : `; Max-Age=${maxAgeS}`;
  const value = `${name}=${key}; Path=/${life}; HttpOnly; SameSite=Lax`;
  const add = [{ name: 'set-cookie', value, append: true }];
  exchange.answerEdits = joinEdits(exchange.answerEdits, { remove: [], add });
  return key;
}

/** A cookie's value in a Cookie header (RFC 6265 4.2.1; lines joined with commas count, too); null where it has none. */
export function readCookie(header: string | undefined, name: string): string | null {
  if (header === undefined) return null;
  for (const pair of header.split(/[;,]/)) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim() || null;
  }
  return null;
}
