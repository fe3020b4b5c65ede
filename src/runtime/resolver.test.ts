import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type DnsServer, startDnsServer } from '../../test/support/dns-server.ts';
import { type LookupAnswer, systemLookup } from './lookup.ts';
import { type Resolution, Resolver } from './resolver.ts';

const files = mkdtempSync(join(tmpdir(), 'serin-dns-'));
writeFileSync(join(files, 'hosts'), '127.0.0.1 local.test\n::1 local.test\n');
writeFileSync(
  join(files, 'resolv.conf'),
  'search default.svc.cluster.local svc.cluster.local\noptions ndots:5\n',
);

let server: DnsServer | null = null;
afterEach(() => {
  server?.close();
  server = null;
});

function lookup(dns: DnsServer) {
  return systemLookup({
    servers: [dns.address],
    hostsFile: join(files, 'hosts'),
    resolvConf: join(files, 'resolv.conf'),
    timeoutMs: 200,
  });
}

describe('lookup against a real DNS server', () => {
  test('IP literals and the hosts file need no server', async () => {
    server = await startDnsServer(new Map());
    expect(await lookup(server)('10.1.2.3')).toEqual({ addresses: ['10.1.2.3'], ttl: null });
    expect((await lookup(server)('local.test')).addresses).toEqual(['127.0.0.1', '::1']);
    expect(server.asked).toEqual([]);
  });

  test('search domains in order, all addresses, with the TTL', async () => {
    server = await startDnsServer(
      new Map([['grpc.default.svc.cluster.local', { a: ['10.0.0.1', '10.0.0.2'], ttl: 7 }]]),
    );
    expect(await lookup(server)('grpc.default')).toEqual({ addresses: ['10.0.0.1', '10.0.0.2'], ttl: 7 });
    expect(server.asked).toEqual([
      'grpc.default.default.svc.cluster.local',
      'grpc.default.svc.cluster.local',
    ]);
  });

  test('a name that is nowhere, and a server that does not answer, say so', async () => {
    server = await startDnsServer(new Map());
    await expect(lookup(server)('nowhere')).rejects.toThrow('no address for nowhere');
    server.records = null;
    await expect(lookup(server)('nowhere')).rejects.toThrow('the name server did not answer in time');
  });
});

describe('resolver', () => {
  afterEach(() => void vi.useRealTimers());

  function scripted(answers: (LookupAnswer | Error)[]) {
    vi.useFakeTimers();
    const told: Resolution[] = [];
    let asked = 0;
    const resolver = new Resolver(
      async () => {
        const answer = answers[Math.min(asked++, answers.length - 1)]!;
        if (answer instanceof Error) throw answer;
        return answer;
      },
      (_host, resolution) => void told.push(resolution),
    );
    return { resolver, told, asked: () => asked };
  }

  test('looks up again when the TTL is over, and tells only changes', async () => {
    const { resolver, told, asked } = scripted([
      { addresses: ['1.1.1.1'], ttl: 10 },
      { addresses: ['1.1.1.1'], ttl: 10 },
      { addresses: ['2.2.2.2'], ttl: 10 },
    ]);
    resolver.want('a');
    resolver.want('a');
    await vi.advanceTimersByTimeAsync(9_999);
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(10_001);
    expect(told.map((t) => t.addresses)).toEqual([['1.1.1.1'], ['2.2.2.2']]);
    resolver.stop();
  });

  test('the old answer is kept while lookups fail', async () => {
    const { resolver, told, asked } = scripted([{ addresses: ['1.1.1.1'], ttl: 1 }, new Error('down')]);
    resolver.want('a');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(told).toEqual([{ addresses: ['1.1.1.1'], problem: null }]);
    // 1 s of TTL, then after 1, 2, 4 and 8 s: the back-off.
    expect(asked()).toBe(6);
    resolver.stop();
  });

  test('a first lookup that fails is told once, and tried again', async () => {
    const { resolver, told } = scripted([
      new Error('down'),
      new Error('down'),
      { addresses: ['1.1.1.1'], ttl: 600 },
    ]);
    resolver.want('a');
    await vi.advanceTimersByTimeAsync(3_001);
    expect(told.map((t) => t.problem)).toEqual(['down', null]);
    resolver.stop();
  });

  test('a TTL of 0 is 1 s, one of an hour 5 minutes; an IP address is never asked for again', async () => {
    for (const [ttl, within] of [
      [0, 1_000],
      [3600, 300_000],
    ] as const) {
      const { resolver, asked } = scripted([{ addresses: ['1.1.1.1'], ttl }]);
      resolver.want('a');
      await vi.advanceTimersByTimeAsync(within - 1);
      expect(asked()).toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(asked()).toBe(2);
      resolver.stop();
    }
    const { resolver, asked } = scripted([{ addresses: ['1.1.1.1'], ttl: null }]);
    resolver.want('a');
    await vi.advanceTimersByTimeAsync(1e7);
    expect(asked()).toBe(1);
  });

  test('a host that nobody needs any more is not asked for', async () => {
    const { resolver, asked } = scripted([{ addresses: ['1.1.1.1'], ttl: 1 }]);
    resolver.want('a');
    await vi.advanceTimersByTimeAsync(10);
    resolver.retain(() => false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked()).toBe(1);
  });
});
