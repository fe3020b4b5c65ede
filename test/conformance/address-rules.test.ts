import { describe, expect, test } from 'vitest';
import { explainRequest, indexSnapshot } from '../../src/cli/explain-request.ts';
import { type Compilation, Compiler } from '../../src/compiler/compiler.ts';
import { testOptions } from '../../src/compiler/test-support.ts';
import { closedToAll } from '../../src/model/http-settings.ts';

const module = (config: string, meta = 'name: ambassador', kind = 'Module'): string => `---
apiVersion: getambassador.io/v3alpha1
kind: ${kind}
metadata: {${meta}}
spec:
  config:
    ${config}
`;
const compile = (text: string, compiler = new Compiler(testOptions), path = 'm.yaml'): Compilation =>
  compiler.update([{ path, text }]);
const codes = ({ issues }: Compilation): string[] =>
  issues.map(({ line, column, code }) => `${line}:${column} ${code}`);
const rulesOf = ({ snapshot }: Compilation) => snapshot.http.addressRules;
const good = module('ip_allow: [{peer: 127.0.0.1}, {remote: 192.0.2.0/24}, {remote: "2001:db8::/32"}]');
const goodRules = [{ action: 'allow', peer: ['127.0.0.1'], remote: ['192.0.2.0/24', '2001:db8::/32'] }];

test('ip_allow and ip_deny are read with Ambassador’s names', () => {
  const allow = compile(good);
  expect(codes(allow)).toEqual([]);
  expect(rulesOf(allow)).toEqual(goodRules);
  const deny = compile(module('ip_deny: [{peer: 10.0.0.0/8}]'));
  expect([codes(deny), rulesOf(deny)]).toEqual([[], [{ action: 'deny', peer: ['10.0.0.0/8'], remote: [] }]]);
  expect(rulesOf(compile(module('ip_deny: []')))).toEqual([]);
  const annotation = JSON.stringify(
    'apiVersion: ambassador/v2\nkind: Module\nname: ambassador\nconfig: {ip_deny: [{remote: 10.0.0.1}]}\n',
  );
  const service = `apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {getambassador.io/config: ${annotation}}}\n`;
  expect(rulesOf(compile(service))).toEqual([{ action: 'deny', peer: [], remote: ['10.0.0.1'] }]);
});

describe.each([
  ['ip_allow: [{remote: 192.0.2.0/33}]', '7:17 invalid-value'],
  ['ip_allow: [{remote: 192.0.2}]', '7:17 invalid-value'],
  ['ip_allow: [{remote: 7}]', '7:17 invalid-value'],
  ['ip_allow: [{remote: 192.0.2.1}, {perr: 10.0.0.1}]', '7:38 invalid-value'],
  ['ip_allow: [{remote: 192.0.2.1, peer: 10.0.0.1}]', '7:16 invalid-value'],
  ['ip_allow: [192.0.2.1]', '7:16 invalid-value'],
  ['ip_allow: 192.0.2.1', '7:5 wrong-type'],
  ['ip_allow: []', '7:5 invalid-value'],
  ['ip_allow:', '7:5 invalid-value'],
  ['ip_deny: [{remote: 192.0.2.0/33}]', '7:16 invalid-value'],
  ['{ip_allow: [{peer: "::1"}], ip_deny: [{peer: "::2"}]}', '7:33 invalid-value'],
  ['ip_alow: [{peer: "::1"}]', '7:5 unknown-weight-field'],
  ['ip-deny: [{peer: "::1"}]', '7:5 unknown-weight-field'],
  ['{ip_deny: [{peer: "::1"}], server_name: "ä"}', '7:32 invalid-value'],
])('%s', (config, error) => {
  test('is an error with its place; at a start nobody may call', () => {
    const result = compile(module(config));
    expect(codes(result)).toContain(error);
    expect(codes(result)).toContain('2:1 address-rules-broken');
    expect(result.issues.map(({ message, help }) => `${message} ${help}`).join()).not.toMatch(
      /[{}]|undefined/,
    );
    expect(rulesOf(result)).toEqual([closedToAll]);
  });

  test('leaves the last good state', () => {
    const compiler = new Compiler(testOptions);
    compile(good, compiler);
    const result = compile(module(config), compiler);
    expect(codes(result)).toEqual([error]);
    expect(result.issues[0]).toMatchObject({ kept: true });
    expect(rulesOf(result)).toEqual(goodRules);
  });
});

test.each([
  ['a name that is nobody’s', module('ip_allow: [{peer: "::1"}]', 'name: ambasador')],
  ['a Module of another kind of setting', module('ip_allow: [{peer: "::1"}]', 'name: tls')],
  ['a place beside config', module('{}\n  ip_allow: [{peer: "::1"}]')],
  ['a misspelt config', module('ip_allow: [{peer: "::1"}]').replace('config', 'cofnig')],
  ['a place below config', module('serin: {ip_deny: [{peer: "::1"}]}')],
  ['no name', module('ip_allow: [{peer: "::1"}]', 'namespace: x')],
  ['a misspelt kind', module('ip_allow: [{peer: "::1"}]', 'name: ambassador', 'Modul')],
  ['no YAML', module('ip_allow: [{peer: "::1"}')],
  ['a template', module('ip_allow: {{ .Values.allow }}')],
  ['two objects in one', `${module('ip_allow: [{peer: "::1"}]')}kind: Module\n`],
  [
    'an annotation that is no YAML',
    `---
apiVersion: v1
kind: Service
metadata:
  name: s
  annotations:
    getambassador.io/config: |
      apiVersion: ambassador/v2
      kind: Module
      name: ambassador
      config: {ip_allow: [{peer: "::1"}]
`,
  ],
])('%s opens no door', (_, text) => {
  const result = compile(text);
  expect(result.issues.some(({ severity }) => severity === 'error')).toBe(true);
  expect(rulesOf(result)).toEqual([closedToAll]);
});

test('a Module that says nothing of it closes nothing where it is broken', () => {
  expect(rulesOf(compile(module('merge_slashes: 5')))).toEqual([]);
  expect(rulesOf(compile(module('merge_slashes: [ # like ip_allow')))).toEqual([]);
  const deployment = module('ip_allow: [', 'name: a', 'Deployment').replace(
    'getambassador.io/v3alpha1',
    'apps/v1',
  );
  expect(rulesOf(compile(deployment))).toEqual([]);
});

test('rules go when they are deleted, and closing ends when they are mended', () => {
  const compiler = new Compiler(testOptions);
  compile(module('ip_allow: []'), compiler);
  expect(rulesOf(compile(good, compiler))).toEqual(goodRules);
  expect(rulesOf(compile(module('{}'), compiler))).toEqual([]);
  compile(good, compiler);
  expect(rulesOf(compiler.update([{ path: 'm.yaml', text: null }]))).toEqual([]);
});

test('of several Modules each has to let a call through', () => {
  const compiler = new Compiler(testOptions);
  compile(good, compiler, 'a.yaml');
  const other = module('{}', 'name: ambassador, namespace: other');
  expect(rulesOf(compile(other, compiler, 'b.yaml'))).toEqual(goodRules);
  const broken = module('ip_deny: [{}]', 'name: ambassador, namespace: third');
  expect(rulesOf(compile(broken, compiler, 'c.yaml'))).toEqual([...goodRules, closedToAll]);
});

test('explain says that not every client may call', () => {
  const asked = { method: 'GET', host: 'a', path: '/', headers: {}, scheme: 'http' } as const;
  const clients = (text: string) => {
    const { snapshot } = compile(text);
    return explainRequest(indexSnapshot(snapshot), asked, snapshot.http).clients;
  };
  expect(clients(module('{}'))).toBeUndefined();
  expect(clients(good)).toContain('ip_allow');
  expect(clients(module('ip_allow: []'))).toContain('none may call');
});
