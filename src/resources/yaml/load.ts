import { CORE_SCHEMA, load, Type, YAMLException } from 'js-yaml';

const words = new Map<string, boolean>();
for (const word of ['yes', 'on', 'true']) words.set(word, true);
for (const word of ['no', 'off', 'false']) words.set(word, false);

/** The spellings that PyYAML reads as a boolean: one case throughout, or a capital in front. `y` and `n` are text. */
function booleanWord(text: string): boolean | undefined {
  const value = words.get(text.toLowerCase());
  if (value === undefined) return undefined;
  const rest = text.slice(1);
  const uniform = text === text.toLowerCase() || text === text.toUpperCase();
  return uniform || rest === rest.toLowerCase() ? value : undefined;
}

const bool = new Type('tag:yaml.org,2002:bool', {
  kind: 'scalar',
  resolve: (data: unknown) =>
    typeof data === 'string' && data.length < 6 && data.length > 1 && booleanWord(data) !== undefined,
  construct: (data: string) => booleanWord(data),
});

const integer = /^[-+]?(?:0|[1-9][0-9_]*|0[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)$/;

/** Integers as PyYAML reads them: 012 is 10, 1_000 is 1000, 0x1f and 0b11; 1:30 and 0o14 stay text. */
const int = new Type('tag:yaml.org,2002:int', {
  kind: 'scalar',
  resolve: (data: unknown) => {
    if (typeof data !== 'string') return false;
    const c = data.charCodeAt(0);
    return (c === 43 || c === 45 || (c >= 48 && c <= 57)) && integer.test(data);
  },
  construct: (data: string) => {
    const digits = data.replace(/[-+_]/g, '');
    const size = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
    return data.startsWith('-') ? -size : size;
  },
});

const merge = new Type('tag:yaml.org,2002:merge', {
  kind: 'scalar',
  resolve: (data: unknown) => data === '<<' || data === null,
});

/** YAML 1.2 core (so a date stays its own text), with YAML 1.1's booleans, integers and merge keys. */
const schema = CORE_SCHEMA.extend({ implicit: [bool, int, merge] });

/** What reading one document gave. */
export type Loaded =
  | { readonly kind: 'value'; readonly value: unknown; readonly duplicates: boolean }
  | { readonly kind: 'broken'; readonly reason: string; readonly line: number; readonly column: number };

/**
 * Reads one YAML (or JSON) document. A key that stands twice is no fault here: the last one wins and `duplicates`
 * is true. Aliases come out as shared objects. Line and column of a fault count from 1.
 */
export function loadDocument(text: string): Loaded {
  try {
    return { kind: 'value', value: load(text, { schema }), duplicates: false };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    if (error.reason !== 'duplicated mapping key') return broken(error);
  }
  try {
    return { kind: 'value', value: load(text, { schema, json: true }), duplicates: true };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return broken(error);
  }
}

function broken(error: YAMLException): Loaded {
  const line = (error.mark?.line ?? 0) + 1;
  return { kind: 'broken', reason: error.reason, line, column: (error.mark?.column ?? 0) + 1 };
}
