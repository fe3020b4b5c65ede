import { expect, test } from 'vitest';
import { isIpLiteral, parseService, serviceKey } from './service-address.ts';

function key(text: string, tls = false): string {
  const address = parseService(text);
  if (!('host' in address)) throw new Error(JSON.stringify(address));
  return serviceKey(address, 'ns', tls || address.scheme === 'https');
}

test('the namespace is added where none is named, and the port always', () => {
  expect(key('stock:50051')).toBe('stock.ns:50051');
  expect(key('stock')).toBe('stock.ns:80');
  expect(key('HTTPS://stock')).toBe('stock.ns:443');
  expect(key('stock.other.svc.cluster.local:1')).toBe('stock.other.svc.cluster.local:1');
  expect(key('10.0.0.1')).toBe('10.0.0.1:80');
  expect(key('[::1]:9')).toBe('[::1]:9');
  expect(key('localhost:9')).toBe('localhost:9');
});

test('a path is seen, other schemes and bad ports are refused', () => {
  expect(parseService('http://a:1/x?y')).toMatchObject({ path: '/x?y', port: 1 });
  expect(parseService('tcp://a')).toEqual({ scheme: 'tcp' });
  expect(parseService('a:99999')).toHaveProperty('reason');
  expect(parseService('a:b')).toHaveProperty('reason');
  expect(parseService('a b')).toHaveProperty('reason');
});

test('IP literals', () => {
  for (const host of ['10.1.2.3', '[::1]', 'fe80::1']) expect(isIpLiteral(host)).toBe(true);
  for (const host of ['a.b', 'abc', '1.2.3']) expect(isIpLiteral(host)).toBe(false);
});
