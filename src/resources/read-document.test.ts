import { expect, test } from 'vitest';
import { helpOf, messageOf } from './issue.ts';
import { readDocument } from './read-document.ts';

const context = { ambassadorIds: ['default'], environment: { HOME: '/home/u' } };

/** `line:column code` of everything found in a document. */
function told(text: string): string[] {
  return readDocument(text, context).objects.flatMap((object) =>
    object.findings.map((found) => {
      const { line, column } = found.position ?? object.locator.locate(found.path);
      return `${line}:${column} ${found.code}`;
    }),
  );
}

const mapping = (line: string): string =>
  `apiVersion: ambassador/v1\nkind: Mapping\nname: a\nprefix: /a/\n${line}\ntimeout_ms: 3\n`;
const inAnnotation = (mark: string, lines: readonly string[]): string =>
  `kind: Service\napiVersion: v1\nmetadata:\n  name: s\n  annotations:\n    getambassador.io/config: ${mark}\n${lines.map((line) => `        ${line}\n`).join('')}spec: {}\n`;

test.each([
  ['service: *.x.com', '5:17 yaml-syntax'],
  ['service: "a', '5:10 yaml-syntax'],
  ['service: a: b', '5:11 yaml-syntax'],
  ['service: @foo', '5:10 yaml-syntax'],
  ['service a', '5:1 yaml-syntax'],
  ['service: [a', '5:10 yaml-syntax'],
  ['service: {{ .V }}:80', '5:10 unrendered-document'],
  ['\tservice: a', '5:1 yaml-tab'],
])('a fault is told on the line that has it: %s', (line, expected) => {
  expect(told(mapping(line))).toEqual([expected]);
});

test('places inside block scalars are those of the outer text, whatever the mark and the indent', () => {
  const lines = [
    '---',
    'apiVersion: ambassador/v1',
    'kind: Mapping',
    'name: a',
    'prefix: /a/',
    'service: a',
    'grpc: y',
  ];
  for (const mark of ['|', '|-', '|+', '| # why'])
    expect(told(inAnnotation(mark, lines))).toEqual(['13:9 wrong-type']);
});

test('a one-line string has one line', () => {
  const text = inAnnotation('"apiVersion: ambassador/v1\\nkind: Mapping\\nname: a\\nprefix: /a/"', []);
  expect(told(text)).toEqual(['6:30 missing-field']);
});

test('one key twice is a warning, apiVersion or kind twice an error', () => {
  expect(told(mapping('service: a\nservice: b'))).toEqual(['6:1 duplicate-key']);
  expect(told(mapping('service: b\nkind: Mapping'))).toEqual(['6:1 missing-separator']);
});

test('numbers and booleans are not taken for text, nor y for true, and the remedy says what to write', () => {
  const [object] = readDocument(mapping('service: 8080'), context).objects;
  expect(messageOf(object!.findings[0]!)).toBe('"service" must be text, and here is the number 8080');
  expect(told(mapping('service: a\nheaders: {x: 1}'))).toEqual(['6:11 wrong-type']);
  expect(told(mapping('service: a\ngrpc: n'))).toEqual(['6:1 wrong-type']);
  expect(told(mapping('service: a\nweight: "10"'))).toEqual(['6:1 wrong-type']);
});

test('near weight or shadow an unknown field is an error, elsewhere a warning', () => {
  expect(told(mapping('service: a\nwieght: 10'))).toEqual(['6:1 unknown-weight-field']);
  expect(told(mapping('service: a\nShadow: true'))).toEqual(['6:1 unknown-weight-field']);
  expect(told(mapping('service: a\nretry_polcy: {}'))).toEqual(['6:1 unknown-field']);
});

test('a variable is told of where the environment has it', () => {
  expect(told(mapping('service: a\nhost_rewrite: $HOME'))).toEqual(['6:1 environment-variable']);
  expect(told(mapping('service: a\nhost_rewrite: $NOT_THERE'))).toEqual([]);
});

test.each([
  ['ambassador.io/v2', 'unknown-api-version'],
  ['x.getambassador.io/v3alpha1', 'unknown-api-version'],
  ['getambassador.io/v3', 'unknown-api-version'],
  ['ambassador/v3alpha1', 'unknown-api-version'],
])('apiVersion %s', (version, code) => {
  expect(told(mapping('service: a').replace('ambassador/v1', version))).toEqual([`1:1 ${code}`]);
});

test('kinds of that name in other groups, and other objects, are left in peace', () => {
  expect(told('apiVersion: networking.istio.io/v1\nkind: Host\nmetadata: {name: a}')).toEqual([]);
  expect(told('apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}')).toEqual([]);
});

test('a List is opened, and places in it are right', () => {
  const item =
    '- apiVersion: getambassador.io/v2\n  kind: Mapping\n  metadata: {name: a}\n  spec:\n    prefix: /a/\n    service: a\n    grpc: y\n';
  expect(told(`apiVersion: v1\nkind: List\nitems:\n${item}${item.replace('name: a', 'name: b')}`)).toEqual([
    '10:5 wrong-type',
    '17:5 wrong-type',
  ]);
});

test("the preview's AmbassadorMapping is one error whose remedy names group and kind", () => {
  const text = mapping('service: a')
    .replace('ambassador/v1', 'x.getambassador.io/v3alpha1')
    .replace('kind: ', 'kind: Ambassador');
  expect(told(text)).toEqual(['1:1 unknown-api-version']);
  const [object] = readDocument(text, context).objects;
  expect(helpOf(object!.findings[0]!)).toBe('write getambassador.io/v3alpha1, with kind: Mapping');
});
