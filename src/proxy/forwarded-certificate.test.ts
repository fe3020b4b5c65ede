import { describe, expect, it } from 'vitest';
import { alternativeNames, certificateElement, pemOf, subjectOf } from './forwarded-certificate.ts';

const nothing = { by: [], hash: 'ab', cert: null, chain: null, subject: null, uri: [], dns: [] };

describe('an element of x-forwarded-client-cert', () => {
  it('has its keys in Envoy’s order', () => {
    expect(
      certificateElement({
        by: ['spiffe://a/b'],
        hash: 'ab',
        cert: 'c\n',
        chain: 'd',
        subject: 'CN=x',
        uri: ['u:1', 'u:2'],
        dns: ['e.test'],
      }),
    ).toBe('By=spiffe://a/b;Hash=ab;Cert="c%0A";Chain="d";Subject="CN=x";URI=u:1;URI=u:2;DNS=e.test');
  });

  it('lets no name be read as more than a name, and no byte out of a header', () => {
    const uri = ['u:1;DNS=evil,By="x"', 'u:\r\nx-evil: 1', 'u:\ud800é'];
    expect(certificateElement({ ...nothing, uri })).toBe(
      'Hash=ab;URI="u:1;DNS=evil,By=\\"x\\"";URI=u:%0D%0Ax-evil:%201;URI=u:%EF%BF%BD%C3%A9',
    );
  });
});

describe('subjectOf', () => {
  it('is RFC 2253: the last part first, and bytes that are not ASCII escaped', () => {
    expect(subjectOf('C=DE\nO=A\\, B + OU=c\nCN=Jürgen')).toBe('CN=J\\C3\\BCrgen,O=A\\, B+OU=c,C=DE');
  });
});

describe('alternativeNames', () => {
  it.each([
    ['', [], []],
    ['DNS:a.test, URI:spiffe://x/y, IP Address:1.2.3.4, DNS:b.test', ['a.test', 'b.test'], ['spiffe://x/y']],
    ['DNS:"a, URI:evil", URI:u:1', ['a, URI:evil'], ['u:1']],
    ['URI:"u:\\"q\\", DNS:evil"', [], ['u:"q", DNS:evil']],
  ])('%s', (text, dns, uri) => {
    expect(alternativeNames(text)).toEqual({ dns, uri });
  });
});

it('PEM has lines of 64 characters (RFC 7468 2)', () => {
  const lines = pemOf(Buffer.alloc(100)).split('\n');
  expect(lines.map(({ length }) => length)).toEqual([27, 64, 64, 8, 25, 0]);
});
