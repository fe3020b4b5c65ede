import { expect, test } from 'vitest';
import { type Compilation, Compiler } from './compiler.ts';
import { testOptions } from './test-support.ts';

const mapping = (name: string, more = ''): string =>
  `---\napiVersion: ambassador/v1\nkind: Mapping\nname: ${name}\nprefix: /x/\nservice: ${name}\n${more}`;
const service = (name: string, docs: string): string =>
  `---\napiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n  annotations:\n    getambassador.io/config: |\n${docs
    .trimEnd()
    .split('\n')
    .map((line) => `      ${line}\n`)
    .join('')}spec: {ports: [{port: 80}]}\n`;

/** Shares by Mapping in percent; answers of the gateway's own by their status. */
function shares({ snapshot }: Compilation): Record<string, number> {
  const result: Record<string, number> = {};
  for (const { action } of snapshot.routes.values()) {
    if (action.kind !== 'split') continue;
    for (const member of action.split.members) {
      const name =
        member.kind === 'backend'
          ? member.backend.name.split('.')[0]!
          : member.kind === 'next'
            ? 'next'
            : String(member.response.status);
      result[name] = (member.share / action.split.denominator) * 100;
    }
  }
  return result;
}

/** Compiles versions of one file one after another. */
function edits(...texts: readonly (string | null)[]): Compilation {
  const compiler = new Compiler(testOptions);
  return texts.map((text) => compiler.update([{ path: 'a.yaml', text }])).at(-1)!;
}

const good = mapping('stable') + mapping('canary', 'weight: 20\n');

test.each([
  ['a wrong type', 'weight: "50"\n'],
  ['a misspelt weight', 'wieght: 50\n'],
  ['no YAML', 'weight: [50\n'],
  ['an unrendered template', 'weight: {{ .Values.weight }}\n'],
])('a Mapping that becomes broken by %s keeps its last good state, and that is told', (_, bad) => {
  const result = edits(good, mapping('stable') + mapping('canary', bad));
  expect(shares(result)).toEqual({ canary: 20, stable: 80 });
  const [error] = result.issues.filter(({ severity }) => severity === 'error');
  expect(error).toMatchObject({ kept: true, object: 'Mapping canary.default' });
  expect(error?.message).toContain('last good state');
});

test('mended it counts again, deleted it is gone', () => {
  const broken = mapping('stable') + mapping('canary', 'weight: "50"\n');
  expect(shares(edits(good, broken, mapping('stable') + mapping('canary', 'weight: 50\n')))).toEqual({
    canary: 50,
    stable: 50,
  });
  expect(shares(edits(good, broken, mapping('stable')))).toEqual({ stable: 100 });
  expect(shares(edits(good, broken, null))).toEqual({});
});

test('a broken document whose name cannot be read keeps its place among its neighbours', () => {
  const result = edits(
    good,
    `${mapping('stable')}---\napiVersion: ambassador/v1\nkind: Mapping\nna me: canary\n  prefix: [\n`,
  );
  expect(shares(result)).toEqual({ canary: 20, stable: 80 });
});

test('in an annotation a broken document costs only itself', () => {
  const text = service('s', good);
  expect(shares(edits(text, service('s', mapping('stable') + mapping('canary', 'weight: [1\n'))))).toEqual({
    canary: 20,
    stable: 80,
  });
  expect(
    shares(
      edits(text, service('s', mapping('stable', 'bypass_auth: 3\n') + mapping('canary', 'weight: 30\n'))),
    ),
  ).toEqual({
    canary: 30,
    stable: 70,
  });
});

test('a Service that is no YAML any more keeps all that stood in its annotation', () => {
  const text = service('s', good);
  const result = edits(
    text + service('t', ''),
    `${text.replace('metadata:', 'metadata: [')}${service('t', '')}`,
  );
  expect(shares(result)).toEqual({ canary: 20, stable: 80 });
  expect(result.issues.filter(({ severity }) => severity === 'error')).toHaveLength(1);
});

test('at a fresh start the share of a broken stable is answered 503 and not given to the canary', () => {
  for (const bad of ['timeout_ms: x\n', 'oops: [\n', 'shadw: 1\n']) {
    const result = edits(mapping('stable', bad) + mapping('canary', 'weight: 20\n'));
    expect(shares(result)).toEqual({ canary: 20, 503: 80 });
    const [route] = [...result.snapshot.routes.values()];
    expect(JSON.stringify(route?.action)).toContain('Mapping stable.default');
  }
});

test('at a fresh start a broken canary leaves all to stable', () => {
  expect(shares(edits(mapping('stable') + mapping('canary', 'weight: "20"\n')))).toEqual({ stable: 100 });
});

test('two weighted Mappings of which one is broken: the other is not alone', () => {
  expect(shares(edits(mapping('a', 'weight: 20\n') + mapping('b', 'weight: "80"\n')))).toEqual({
    a: 20,
    next: 80,
  });
});

test('weights above 100 keep the last good shares; from the start they are scaled down', () => {
  const above = mapping('a', 'weight: 90\n') + mapping('b', 'weight: 60\n');
  expect(shares(edits(above))).toEqual({ b: 40, a: 60 });
  const result = edits(mapping('a', 'weight: 90\n') + mapping('b', 'weight: 10\n'), above);
  expect(shares(result)).toEqual({ b: 10, a: 90 });
  expect(result.issues).toMatchObject([{ code: 'weights-above-100', kept: true, severity: 'error' }]);
});

test('a file that cannot be read keeps its content, with an error', () => {
  const compiler = new Compiler(testOptions);
  compiler.update([{ path: 'a.yaml', text: good }]);
  const result = compiler.update([{ path: 'a.yaml', text: null, unreadable: 'EACCES' }]);
  expect(shares(result)).toEqual({ canary: 20, stable: 80 });
  expect(result.issues).toMatchObject([{ code: 'unreadable-file', file: 'a.yaml', kept: true }]);
  expect(compiler.update([{ path: 'a.yaml', text: good }]).issues).toEqual([]);
});

test('a broken AuthService still guards', () => {
  const auth = '---\napiVersion: getambassador.io/v3alpha1\nkind: AuthService\nmetadata: {name: auth\n';
  const result = edits(good + auth);
  expect([...result.snapshot.routes.values()][0]?.blocked).toMatchObject({ status: 403, grpcStatus: 7 });
});

test('an Ingress and a List that are no YAML any more keep what they held', () => {
  const ingress = service('s', good).replace('kind: Service', 'kind: Ingress');
  expect(shares(edits(ingress, ingress.replace('metadata:', 'metadata: [')))).toEqual({
    canary: 20,
    stable: 80,
  });
  const items = good
    .split('---\n')
    .filter((text) => text !== '')
    .map((text) => `- ${text.trimEnd().replaceAll('\n', '\n  ')}\n`);
  const list = `apiVersion: v1\nkind: List\nitems:\n${items.join('')}`;
  expect(shares(edits(list))).toEqual({ canary: 20, stable: 80 });
  expect(shares(edits(list, list.replace('items:', 'items: [')))).toEqual({ canary: 20, stable: 80 });
  const oneBad = list.replace('weight: 20', 'weight: "20"');
  expect(shares(edits(list, oneBad))).toEqual({ canary: 20, stable: 80 });
});

test.each([
  ['a misspelt kind', (text: string) => text.replace('kind: Mapping', 'kind: Maping')],
  ['no kind', (text: string) => text.replace('kind: Mapping\n', '')],
  ['a misspelt group', (text: string) => text.replace('ambassador/v1', 'ambassador.io/v1')],
])('at a fresh start a stable with %s does not make the canary 100 %%', (_, damage) => {
  expect(shares(edits(damage(mapping('stable')) + mapping('canary', 'weight: 20\n')))).toEqual({
    canary: 20,
    503: 80,
  });
});

test('a broken Mapping with conditions of its own does not touch the group without them', () => {
  expect(shares(edits(mapping('a', 'weight: 20\n') + mapping('b', 'headers: {x: 1}\n')))).toEqual({ a: 100 });
});
