import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SplitState } from '../compiler/canaries/split-state.ts';
import { SplitOverlays } from './split-overlays.ts';
import { prepareState } from './state-folder.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/serin-state-`);
});
afterEach(() => rmSync(folder, { recursive: true }));

const split = (name: string, kind: SplitState['kind'] = 'Canary'): SplitState => ({
  kind,
  name,
  revision: 'version=v2',
  weight: 20,
  specWeight: 20,
  overlay: null,
  calls: null,
});

test('what was set outlives a restart, in a file for nobody else', () => {
  const first = new SplitOverlays(folder);
  expect(first.obey([split('web.default')], 'web', { kind: 'promote' }, 'me')).toMatchObject({
    name: 'web.default',
    before: 20,
    weight: 100,
    overlay: { state: 'promoted', by: 'me', revision: 'version=v2' },
  });
  expect(statSync(`${folder}/overlays.json`).mode & 0o777).toBe(0o600);
  expect(new SplitOverlays(folder).all).toEqual(first.all);
  first.obey([split('web.default')], 'web', { kind: 'resume' }, 'me');
  expect(new SplitOverlays(folder).all.size).toBe(0);
});

test.each([
  ['other', /nothing is called "other": there are canary\/web.a, canary\/web.b, mapping\/web.a/],
  ['web', /"web" can mean canary\/web.a, canary\/web.b/],
])('%s is refused', (name, message) => {
  const splits = [split('web.a'), split('web.b'), split('web.a', 'Mapping')];
  const overlays = new SplitOverlays(folder);
  expect(() => overlays.obey(splits, name, { kind: 'abort', endStreamsS: null }, '')).toThrow(message);
  expect(overlays.all.size).toBe(0);
});

test('a kind in front chooses', () => {
  const splits = [split('web.a'), split('web.a', 'Mapping')];
  expect(
    new SplitOverlays(null).obey(splits, 'mapping/web', { kind: 'abort', endStreamsS: null }, '').kind,
  ).toBe('Mapping');
});

test('a folder that cannot be written changes nothing', () => {
  const overlays = new SplitOverlays(`${folder}/gone`);
  expect(() => overlays.obey([split('web.a')], 'web', { kind: 'abort', endStreamsS: null }, '')).toThrow(
    /nothing has changed/,
  );
  expect(overlays.all.size).toBe(0);
});

test('a broken file is told with its name', () => {
  writeFileSync(`${folder}/overlays.json`, '{"overlays": {"a": {"weight": 200}}}');
  expect(() => new SplitOverlays(folder)).toThrow(/overlays.json: the overlay of a is none/);
  expect(readFileSync(`${folder}/overlays.json`, 'utf8')).toContain('200');
});

test('a folder that is shared is neither used nor shut to others; an own one is for nobody else', () => {
  const shared = `${folder}/shared`;
  mkdirSync(shared);
  writeFileSync(`${shared}/letter`, '');
  chmodSync(shared, 0o777);
  expect(() => prepareState(shared)).toThrow('choose a folder of its own');
  expect(statSync(shared).mode & 0o777).toBe(0o777);
  const mine = `${folder}/mine`;
  mkdirSync(mine);
  chmodSync(mine, 0o777);
  writeFileSync(`${mine}/overlays.json`, '');
  prepareState(mine);
  expect(statSync(mine).mode & 0o777).toBe(0o700);
});

test('what is set for a Mapping is not set for a Canary of the same name', () => {
  const overlays = new SplitOverlays(folder);
  const splits = [split('web.default'), { ...split('web.default', 'Mapping'), revision: 'web:80' }];
  overlays.obey(splits, 'canary/web', { kind: 'set-weight', weight: 5 }, 'me');
  overlays.obey(splits, 'mapping/web', { kind: 'set-weight', weight: 7 }, 'me');
  expect([...overlays.all.values()].map(({ weight }) => weight)).toEqual([5, 7]);
  overlays.obey(splits, 'mapping/web', { kind: 'resume' }, 'me');
  expect([...new SplitOverlays(folder).all.values()].map(({ weight }) => weight)).toEqual([5]);
});
