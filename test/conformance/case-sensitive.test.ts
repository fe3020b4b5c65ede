import { describe, expect, test } from 'vitest';
import { askAll, compileFiles } from './support.ts';

/** A group with prefix /Foo/ and a route for everything else behind it. `members`: name and more fields. */
function manifest(members: Readonly<Record<string, string>>): string {
  const mapping = (name: string, prefix: string, more: string) =>
    `---\napiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: ${name}, namespace: ns}\nspec: {prefix: ${prefix}, service: ${name}${more}}\n`;
  const own = Object.entries(members).map(([name, more]) => mapping(name, '/Foo/', more));
  return [...own, mapping('rest', '/', '')].join('');
}

/** Shares in percent, by service, of a path in the group's own letter case and of one in another. */
function shares(members: Readonly<Record<string, string>>) {
  const compilation = compileFiles({ 'a.yaml': manifest(members) });
  expect(compilation.issues).toEqual([]);
  const of = (path: string) => {
    const [answer] = askAll(compilation, [{ method: 'GET', host: 'h', path, headers: {} }]);
    return Object.fromEntries(
      Object.entries(answer!.shares).map(([key, share]) => [key.split('.')[0], Number(share.toFixed(6))]),
    );
  };
  return { own: of('/Foo/x'), other: of('/fOO/x') };
}

const any = ', case_sensitive: false';

describe('reference 2.4(b): case_sensitive is free to differ inside a group, and each member has its own match', () => {
  test('an insensitive canary takes its share of paths that only it matches; the rest falls through', () => {
    expect(shares({ stable: '', canary: `, weight: 20${any}` })).toEqual({
      own: { stable: 80, canary: 20 },
      other: { canary: 20, rest: 80 },
    });
  });

  test('an insensitive stable takes all of what a sensitive canary does not match', () => {
    expect(shares({ stable: any, canary: ', weight: 20' })).toEqual({
      own: { stable: 80, canary: 20 },
      other: { stable: 100 },
    });
  });

  test('of several the next that matches takes the share of those before it (the sums of 2.3)', () => {
    expect(shares({ a: ', weight: 10', b: `, weight: 20${any}`, c: ', weight: 30', stable: '' })).toEqual({
      own: { a: 10, b: 20, c: 30, stable: 40 },
      other: { b: 30, rest: 70 },
    });
  });

  test('weights below 100: the own case falls through once, and is not drawn again as another case', () => {
    const compilation = compileFiles({ 'a.yaml': manifest({ a: ', weight: 10', b: `, weight: 20${any}` }) });
    const answers = askAll(
      compilation,
      ['/Foo/x', '/foo/x', '/FOO', '/foo'].map((path) => ({ method: 'GET', host: 'h', path, headers: {} })),
    );
    expect(answers.map(({ shares: found }) => Object.values(found).map(Math.round))).toEqual([
      [10, 20, 70],
      [30, 70],
      [100],
      [100],
    ]);
  });

  test('all alike: one route, in any case or in none', () => {
    expect(shares({ stable: any, canary: `, weight: 20${any}` }).other).toEqual({ stable: 80, canary: 20 });
    expect(shares({ stable: '', canary: ', weight: 20' }).other).toEqual({ rest: 100 });
  });

  test('a member that changes its case brings the second route, and takes it away', () => {
    const text = (more: string) => ({
      path: 'a.yaml',
      text: manifest({ stable: '', canary: `, weight: 20${more}` }),
    });
    const compilation = compileFiles({ 'a.yaml': text(any).text });
    expect([...compilation.snapshot.routes.keys()].filter((id) => id.endsWith(' other case'))).toHaveLength(
      1,
    );
    expect([...compileFiles({ 'a.yaml': text('').text }).snapshot.routes.keys()]).toHaveLength(2);
  });
});
