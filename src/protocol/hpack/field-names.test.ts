import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldKind, invalidName, kindOfBytes, kindOfName, staticKinds } from './field-names.ts';
import { staticTable } from './static-table.ts';

const of = (name: string): number => {
  const bytes = Buffer.from(`\0${name}\0`, 'latin1');
  return kindOfBytes(bytes, 1, bytes.length - 1);
};

describe('kinds of fields', () => {
  it.each([
    [':authority', fieldKind.authority],
    ['connection', fieldKind.connectionSpecific],
    ['transfer-encoding', fieldKind.connectionSpecific],
    ['content-length', fieldKind.contentLength],
    ['grpc-timeout', fieldKind.grpcTimeout],
    ['x-envoy-anything', fieldKind.dropped],
    ['x-forwarded-client-cert', fieldKind.dropped],
    ['x-envoy', fieldKind.other],
    ['x-envoy-', fieldKind.other],
    [':other', fieldKind.unknownPseudo],
    ['x-own', fieldKind.other],
  ])('%s', (name, kind) => expect(of(name)).toBe(kind));

  it.each(['', 'Upper', 'a b', 'a:b', 'a\0', 'naïve', 'a\r\n', ':a:b', 'a"'])('%j is no name', (name) =>
    expect(of(name)).toBe(invalidName),
  );

  it('are the same by bytes and by text, and for the static table', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom(...staticTable.slice(1).map(([name]) => name)),
          fc.stringMatching(/^[a-z-]{1,30}$/),
        ),
        (name) => {
          expect(of(name)).toBe(name === 'x-envoy-' ? fieldKind.other : kindOfName(name));
        },
      ),
    );
    for (let i = 1; i < staticTable.length; i++) expect(staticKinds[i]).toBe(of(staticTable[i]![0]));
  });
});
