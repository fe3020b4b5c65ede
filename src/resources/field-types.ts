/** What is wrong with a value: words for the message, and the key inside a map that it is about. */
export interface TypeProblem {
  readonly values: {
    readonly field: string;
    readonly expected: string;
    readonly found: string;
    readonly remedy: string;
  };
  readonly key?: string | number;
}

/** Checks a value that is not null; returns what is wrong with it or null. */
type Check = (value: unknown, field: string) => TypeProblem | null;

/** A value in words, for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return `the text "${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`;
  return `the ${typeof value} ${String(value)}`;
}

function wrong(field: string, expected: string, value: unknown, remedy: string): TypeProblem {
  return { values: { field, expected, found: describe(value), remedy } };
}

const string: Check = (value, field) => {
  if (typeof value === 'string') return null;
  const scalar = typeof value === 'number' || typeof value === 'boolean';
  return wrong(
    field,
    'text',
    value,
    scalar ? `put it in quotes: ${field}: "${String(value)}"` : `write ${field}: and one word`,
  );
};

const boolean: Check = (value, field) =>
  typeof value === 'boolean'
    ? null
    : wrong(field, 'true or false', value, `write ${field}: true or ${field}: false, without quotes`);

const number = (expected: string, test: (n: number) => boolean): Check => {
  return (value, field) => {
    if (typeof value === 'number' && Number.isFinite(value) && test(value)) return null;
    const bare = typeof value === 'string' && /^[0-9.]+$/.test(value);
    return wrong(
      field,
      expected,
      value,
      bare ? `remove the quotes: ${field}: ${value}` : `write a number, such as ${field}: 10`,
    );
  };
};

const stringList: Check = (value, field) => {
  if (!Array.isArray(value))
    return wrong(field, 'a list of texts', value, `write ${field}: [${JSON.stringify(value)}]`);
  const at = value.findIndex((item) => typeof item !== 'string');
  return at === -1 ? null : { ...wrong(field, 'a list of texts', value[at], 'put it in quotes'), key: at };
};

const list: Check = (value, field) =>
  Array.isArray(value) ? null : wrong(field, 'a list', value, 'put - in front of each item');

const map: Check = (value, field) =>
  isMap(value) ? null : wrong(field, 'a map', value, 'write key: value on lines of their own');

const mapOf = (item: Check): Check => {
  return (value, field) => {
    if (!isMap(value)) return map(value, field);
    for (const key in value) {
      const problem = value[key] === null ? null : item(value[key], key);
      if (problem !== null) return { values: { ...problem.values, field: `${field}.${key}` }, key };
    }
    return null;
  };
};

const either = (...checks: readonly Check[]): Check => {
  return (value, field) => {
    let problem: TypeProblem | null = null;
    for (const check of checks) {
      const next = check(value, field);
      if (next === null) return null;
      problem ??= next;
    }
    return problem;
  };
};

const addedHeader: Check = (value, field) => {
  if (!isMap(value)) return wrong(field, 'a map with value', value, `write ${field}: {value: "…"}`);
  if (value.append !== undefined && typeof value.append !== 'boolean') return boolean(value.append, 'append');
  return value.value === undefined
    ? wrong(field, 'a map with value', value, 'add value')
    : string(value.value, 'value');
};

/** Types that a field can have. The text of a date stays text; a number is never taken for text, nor the reverse. */
export const fieldTypes = {
  string,
  boolean,
  integer: number('a whole number', Number.isInteger),
  milliseconds: number('a whole number of milliseconds, 0 or more', (n) => Number.isInteger(n) && n >= 0),
  weight: number('a number from 0 on, in percent', (n) => n >= 0),
  port: number('a port from 1 to 65535', (n) => Number.isInteger(n) && n >= 1 && n <= 65535),
  list,
  map,
  stringList,
  stringOrList: either(string, stringList),
  booleanOrString: either(string, boolean),
  /** A value, or true for "is there" (false and null: no condition). */
  matchMap: mapOf(either(string, boolean)),
  stringMap: mapOf(string),
  headersV0: mapOf(either(string, boolean)),
  headersV1: mapOf(either(string, boolean, addedHeader)),
  headersV2: mapOf(either(string, addedHeader)),
  headersV3: mapOf(addedHeader),
  any: () => null,
} as const satisfies Record<string, Check>;

/** Name of a type of the table above. */
export type FieldType = keyof typeof fieldTypes;

/** True for an object that is no list. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
