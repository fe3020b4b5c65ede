import { memberAt, stickyPoint } from '../balancing/sticky.ts';
import type { Split, StickyKey } from '../model/split.ts';
import type { Exchange } from './exchange.ts';
import { joinEdits } from './header-edits.ts';

const keyBytes = Buffer.alloc(16);
/** Longest key that is hashed, in characters: 60 KB of it would cost a call forty times as much as all the rest. */
const MOST_KEY = 1024;

/**
 * The member of a sticky split that a call's key stands for. A client without the cookie gets one; one without the header, or
 * with a key that is too long, has none, and null means that the call is drawn as any other.
 */
export function stickyMember(split: Split, sticky: StickyKey, exchange: Exchange): number | null {
  return memberOf(
    split,
    sticky,
    sticky.kind === 'header' ? exchange.header(sticky.name) : cookieOf(sticky, exchange),
  );
}

/** The member that a request with these headers is bound to; null where it is drawn. */
export function stuckMember(split: Split, header: (name: string) => string | undefined): number | null {
  const { sticky } = split;
  if (sticky === null) return null;
  const key = sticky.kind === 'header' ? header(sticky.name) : readCookie(header('cookie'), sticky.name);
  return memberOf(split, sticky, key ?? undefined);
}

function memberOf(split: Split, sticky: StickyKey, key: string | undefined): number | null {
  if (key === undefined || key === '' || key.length > MOST_KEY) return null;
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
  // Looked for, not split: others' cookies can be thousands, and would be cut up with every call.
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + 1)) {
    let from = at;
    while (isBlank(header, from - 1)) from--;
    if (from > 0 && !isEnd(header, from - 1)) continue;
    let to = at + name.length;
    while (isBlank(header, to)) to++;
    if (header[to] !== '=') continue;
    const start = ++to;
    while (to < header.length && !isEnd(header, to)) to++;
    return header.slice(start, to).trim() || null;
  }
  return null;
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}

function isEnd(text: string, at: number): boolean {
  return text[at] === ';' || text[at] === ',';
}
