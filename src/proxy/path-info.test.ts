import { describe, expect, it } from 'vitest';
import { PathInfo } from './path-info.ts';
import type { BackendRuntime } from './route-runtime.ts';

const wire = (text: string) => ({ text, encoded: Buffer.from(text, 'latin1') });
const info = (text: string): PathInfo => new PathInfo(wire(text));

describe('PathInfo', () => {
  it.each([
    ['/a/b?x=1&y=%2F', '/a/b', '?x=1&y=%2F'],
    ['/', '/', ''],
    ['/?', '/', '?'],
    ['/a/./b/../c', '/a/c', ''],
    ['/a/%2e%2e/c?x', '/c', '?x'],
    ['/a//b', '/a//b', ''],
    ['/a%2Fb', '/a%2Fb', ''],
    ['/a?x=../..', '/a', '?x=../..'],
  ])('%s is taken apart', (text, path, query) => {
    expect(info(text)).toMatchObject({ text, path, query, valid: true });
  });

  it.each(['a', '', '//\\a', '/a\\b', '/a b', '/a\x7f', '/a#b', '/a\tb', 'http://host/a', '/../a'.slice(1)])(
    '%j is refused',
    (text) => expect(info(text).valid).toBe(false),
  );

  it('takes the asterisk of OPTIONS', () => expect(info('*').valid).toBe(true));

  it('remembers four backends’ lines for one authority and method', () => {
    const path = info('/a');
    const [one, other] = [wire('one'), wire('other')];
    const backends = Array.from({ length: 5 }, () => ({}) as BackendRuntime);
    const lines = backends.map((_, i) => Buffer.from(`line ${i}`));
    for (const [i, backend] of backends.entries()) path.keepLine(backend, one, 'GET', lines[i]!);
    expect(backends.map((backend) => path.line(backend, one, 'GET'))).toEqual([null, ...lines.slice(1)]);
    expect(path.line(backends[1]!, other, 'GET')).toBe(null);
    expect(path.line(backends[1]!, one, 'POST')).toBe(null);
    path.keepLine(backends[0]!, other, 'GET', lines[0]!);
    expect(path.line(backends[0]!, other, 'GET')).toBe(lines[0]);
    expect(path.line(backends[1]!, other, 'GET')).toBe(null);
  });
});
