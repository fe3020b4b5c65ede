import { describe, expect, test } from 'vitest';
import { candidateNames, lookupHosts, parseResolvConf } from './resolv-conf.ts';

describe('names as the system looks them up', () => {
  test('search and ndots; the last search or domain line counts', () => {
    const text =
      'nameserver 1.2.3.4\ndomain old\nsearch default.svc.cluster.local svc.cluster.local # why\noptions edns0 ndots:5\n';
    expect(parseResolvConf(text)).toEqual({
      search: ['default.svc.cluster.local', 'svc.cluster.local'],
      ndots: 5,
    });
    expect(parseResolvConf('')).toEqual({ search: [], ndots: 1 });
  });

  test('short names through the search domains first, long ones as they stand first', () => {
    const rules = { search: ['a.b', 'b'], ndots: 2 };
    expect(candidateNames('x.y', rules)).toEqual(['x.y.a.b', 'x.y.b', 'x.y']);
    expect(candidateNames('x.y.z', rules)).toEqual(['x.y.z', 'x.y.z.a.b', 'x.y.z.b']);
    expect(candidateNames('x.', rules)).toEqual(['x']);
  });

  test('hosts file: all addresses of a name, comments aside', () => {
    const text = '127.0.0.1 localhost me # 9.9.9.9 x\n::1 LOCALHOST\n#1.1.1.1 localhost\n';
    expect(lookupHosts(text, 'Localhost.')).toEqual(['127.0.0.1', '::1']);
    expect(lookupHosts(text, 'x')).toEqual([]);
  });
});
