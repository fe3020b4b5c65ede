import { decodePlain } from '../../src/protocol/hpack/plain.ts';
import { decodeLines, linesRoom, linesToPlain, writeLinesFromPlain } from '../../src/protocol/http1/lines.ts';
import type { ReadMessage } from './http1-support.ts';

/** One message as another program understood it; all text is latin1. */
export interface PeerMessage {
  /** Of an answer its status. */
  readonly method: string;
  /** As it came; '' of an answer. */
  readonly target: string;
  /** What the program takes for the host, if it says so. */
  readonly host?: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/** What another program understood the bytes of a connection as. */
export interface PeerConnection {
  readonly messages: readonly PeerMessage[];
  /** '' = everything was read, or it would read no further behind the last message. */
  readonly error: string;
}

/** Origin-form of a target as it came. */
export function originForm(method: string, target: string): string {
  const absolute = /^https?:\/\/[^/?]*(.*)$/is.exec(target);
  if (absolute === null || method === 'CONNECT') return target;
  const rest = absolute[1]!;
  if (rest === '' && method === 'OPTIONS') return '*';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Values by name in lower case; Go tells no more of the order. */
type Fields = Map<string, string[]>;

function group(fields: readonly (readonly [name: string, value: string])[]): Fields {
  const groups: Fields = new Map();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const values = groups.get(key);
    if (values === undefined) groups.set(key, [value]);
    else values.push(value);
  }
  return groups;
}

/** Name and value of each line of a head. */
export function fieldsOf(lines: string): [name: string, value: string][] {
  return lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
    });
}

/** What is about framing or the hop; Trailer announces, and Go takes it out of the head. */
const framing: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'trailer', 'connection', 'upgrade'],
]);

/**
 * Why the other program's message is not ours; '' when it is. @param exact it read what we have written; otherwise it
 * read what came, in which there were fields of the hop and of the gateway, too.
 */
export function difference(ours: ReadMessage, theirs: PeerMessage, exact: boolean): string {
  if (ours.method !== theirs.method) return `method ${ours.method}, ${theirs.method}`;
  const target = exact ? theirs.target : originForm(theirs.method, theirs.target);
  if (ours.target !== target) return `target ${ours.target}, ${target}`;
  if (ours.authority !== '' && theirs.host !== undefined && ours.authority !== theirs.host) {
    return `host ${ours.authority}, ${theirs.host}`;
  }
  if (ours.body !== theirs.body) return `body ${ours.body}, ${theirs.body}`;
  return (
    fieldsDiffer(group(fieldsOf(ours.lines)), group(theirs.fields), exact) ||
    fieldsDiffer(group(ours.trailers.map(splitField)), group(theirs.trailers), exact)
  );
}

function splitField(text: string): [string, string] {
  const colon = text.indexOf(': ');
  return [text.slice(0, colon), text.slice(colon + 2)];
}

function fieldsDiffer(ours: Fields, theirs: Fields, exact: boolean): string {
  for (const [name, values] of ours) {
    if (framing.has(name)) continue;
    const others = theirs.get(name) ?? [];
    let at = 0;
    for (const value of values) {
      at = others.indexOf(value, at) + 1;
      if (at === 0) return `${name}: ${value} is not among ${JSON.stringify(others)}`;
    }
    if (exact && others.length !== values.length) return `${name} ${values.length} times, ${others.length}`;
  }
  if (!exact) return '';
  for (const name of theirs.keys())
    if (!ours.has(name) && !framing.has(name)) return `${name} came from nowhere`;
  return '';
}

/** Why the lines are not the same behind a way over a plain block, as when a side speaks HTTP/2; '' when they are. */
export function plainDifference(lines: string): string {
  const bytes = Buffer.from(lines, 'latin1');
  const text = ({ name, value }: { name: string; value: string }): string => `${name}: ${value}`;
  // Answers may have these, too, where they mean nothing, and HTTP/2 has no place for them.
  const came = decodeLines(bytes, 0, bytes.length)
    .filter(({ name }) => name !== 'host' && name !== 'te')
    .map(text);
  const block = linesToPlain(bytes, 0, bytes.length);
  const plain = decodePlain(block, 0, block.length).map(text);
  if (plain.join('\n') !== came.join('\n')) return `as a plain block: ${plain}`;
  const target = Buffer.alloc(linesRoom(block, 0, block.length));
  const end = writeLinesFromPlain(target, 0, block, 0, block.length);
  if (end < 0) return 'the plain block cannot be read';
  const again = decodeLines(target, 0, end).map(text);
  return withOneCookie(came).join('\n') === again.join('\n') ? '' : `and back: ${again}`;
}

/** RFC 9113 8.2.3: several cookies become one, where the first stands. */
function withOneCookie(fields: readonly string[]): string[] {
  const cookies = fields.filter((field) => field.startsWith('cookie: ')).map((field) => field.slice(8));
  const first = fields.findIndex((field) => field.startsWith('cookie: '));
  return fields.flatMap((field, i) => {
    if (!field.startsWith('cookie: ')) return [field];
    return i === first ? [`cookie: ${cookies.join('; ')}`] : [];
  });
}
