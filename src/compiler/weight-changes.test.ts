import { expect, test } from 'vitest';
import { Compiler } from './compiler.ts';
import { testOptions } from './test-support.ts';
import { weightChanges } from './weight-changes.ts';

const mapping = (name: string, weight: number | null, service = name): string =>
  `---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: ${name}}\nspec: {hostname: "*", prefix: /, service: ${service}${weight === null ? '' : `, weight: ${weight}`}}\n`;

function changes(before: string, after: string) {
  const compiler = new Compiler(testOptions);
  const first = compiler.update([{ path: 'a.yaml', text: before }]).snapshot;
  return weightChanges(first, compiler.update([{ path: 'a.yaml', text: after }]).snapshot);
}
const stable = mapping('web', null);

test('a canary that comes, changes and goes is told', () => {
  expect(changes(stable, stable + mapping('next', 20))).toEqual([
    {
      mapping: 'next.default',
      reason: 'WeightChanged',
      message: 'it gets 20 % of the calls of web.default (before: 0 %)',
    },
  ]);
  expect(changes(stable + mapping('next', 20), stable + mapping('next', 0.25))[0]?.message).toBe(
    'it gets 0.25 % of the calls of web.default (before: 20 %)',
  );
  expect(changes(stable + mapping('next', 20), stable)).toEqual([
    {
      mapping: 'web.default',
      reason: 'RolledBack',
      message: 'the canary next.default is gone; its 20 % of the calls go to web.default',
    },
  ]);
});

test('what is equal, new as a route, or divided by a Canary is not told', () => {
  const canary = (weight: number): string =>
    `---\napiVersion: serin.dev/v1alpha1\nkind: Canary\nmetadata: {name: c}\nspec: {service: web, stable: "1", canary: "2", weight: ${weight}}\n`;
  const next = mapping('next', 20);
  expect(changes(stable + next, stable + next)).toEqual([]);
  expect(changes('', stable + next)).toEqual([]);
  expect(changes(stable + canary(5), stable + canary(50))).toEqual([]);
});
