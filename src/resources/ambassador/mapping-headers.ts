import type { ValuePath } from '../../lib/position.ts';
import type { HeaderAddition, HeaderEdits } from '../../model/backend.ts';
import { isMap } from '../field-types.ts';
import { type Finding, finding } from '../issue.ts';

/** Fields about framing, routing and the hop: the gateway writes them itself, from what it understood. */
const written: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'te', 'trailer'],
  ...['content-length', 'host', 'http2-settings'],
]);

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Reads add_*_headers and remove_*_headers of one direction. `append` is true where nothing is written. */
export function readHeaderEdits(add: unknown, remove: unknown): HeaderEdits {
  const additions: HeaderAddition[] = [];
  for (const [key, value] of isMap(add) ? Object.entries(add) : []) {
    const name = key.toLowerCase();
    if (value === null || written.has(name)) continue;
    const object = isMap(value) ? value : { value };
    additions.push({ name, value: bytesOf(textOf(object.value)), append: object.append !== false });
  }
  const names = removed(remove)
    .map((name) => name.toLowerCase())
    .filter((name) => !written.has(name));
  if (additions.length === 0 && names.length === 0) return noEdits;
  return { remove: names, add: additions };
}

/** What is wrong with the names and values of a Mapping's header edits. */
export function checkHeaderEdits(
  fields: Readonly<Record<string, unknown>>,
  pathOf: (field: string) => ValuePath,
): Finding[] {
  const found: Finding[] = [];
  for (const direction of ['request', 'response']) {
    const added = fields[`add_${direction}_headers`];
    for (const [name, value] of isMap(added) ? Object.entries(added) : []) {
      const field = `add_${direction}_headers.${name}`;
      const path = [...pathOf(`add_${direction}_headers`), name];
      found.push(...checkName(field, name, path));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      if (/[\x00-\x08\x0a-\x1f\x7f]/.test(textOf(isMap(value) ? value.value : value))) {
        const reason = 'a header value has no line ends and no other control characters';
        found.push(finding('invalid-value', path, { field, reason, remedy: 'write it in one line' }));
      }
    }
    for (const name of removed(fields[`remove_${direction}_headers`])) {
      found.push(...checkName(`remove_${direction}_headers`, name, pathOf(`remove_${direction}_headers`)));
    }
  }
  return found;
}

function checkName(field: string, name: string, path: ValuePath): Finding[] {
  if (!token.test(name)) {
    const reason = `"${name}" is no header name (RFC 9110 5.1)`;
    return [finding('invalid-value', path, { field, reason, remedy: 'letters, digits and hyphens' })];
  }
  return written.has(name.toLowerCase()) ? [finding('header-not-editable', path, { field, name })] : [];
}

function removed(remove: unknown): string[] {
  return typeof remove === 'string' ? [remove] : Array.isArray(remove) ? remove.map(String) : [];
}

function textOf(value: unknown): string {
  return String(value ?? '').trim();
}

/** As the bytes of UTF-8, one character each: how a head carries what is not ASCII. */
function bytesOf(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}

const noEdits: HeaderEdits = { remove: [], add: [] };
